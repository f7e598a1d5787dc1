"""The HTTP client that both SDKs are given: for a plain POST it does what a plain POST needs and no more.

An httpx client prepares every request for redirects, cookies, authentication flows and event hooks; an ask has none of
these. Nor does it tell providers what machine this is. All else, files and streams among it, goes the usual way.
"""

from typing import Any

import httpx2

UNTOLD = ("x-stainless-", b"x-stainless-")  # what an SDK would tell of this machine with every request
PLAIN = {"headers", "timeout", "content"}


class LeanClient(httpx2.AsyncClient):
    """Stands first among the bases of a client: `class Http(LeanClient, openai.DefaultAioHttpClient)`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._urls: dict[str, httpx2.URL] = {}

    def build_request(self, method: str, url: httpx2.URL | str, **given: Any) -> httpx2.Request:
        """As httpx2 does; leaner when there are but headers, a timeout and bytes."""
        headers = given["headers"]
        pairs = headers.raw if isinstance(headers, httpx2.Headers) else headers
        told = [pair for pair in pairs if pair[0][:12].lower() not in UNTOLD]
        content = given.get("content")
        if not isinstance(content, bytes) or any(given[name] for name in given.keys() - PLAIN):
            return super().build_request(method, url, **(given | {"headers": told}))
        extensions = {"timeout": httpx2.Timeout(given["timeout"]).as_dict()}
        return httpx2.Request(method, self._parsed(str(url)), headers=told, content=content, extensions=extensions)

    async def send(self, request: httpx2.Request, *, stream: bool = False, **how: Any) -> httpx2.Response:
        """As httpx2 does; without redirects, cookies and hooks for a POST whose body is at hand."""
        if stream or request.method != "POST" or not isinstance(request.stream, httpx2.ByteStream):
            return await super().send(request, stream=stream, **how)
        response = await self._transport_for_url(request.url).handle_async_request(request)
        try:
            await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    def _parsed(self, url: str) -> httpx2.URL:
        found = self._urls.get(url)
        if found is None:
            if len(self._urls) > 100:
                self._urls.clear()
            found = self._urls[url] = httpx2.URL(url)
        return found

"""Start the server: `python -m tests.language_server --port 0`. Its first line on stdout is JSON with its address."""

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from typing import Any

from aiohttp import web

from tests.language_server.options import Options
from tests.language_server.server import App

LARGEST_BODY = 600_000_000


async def serve(options: Options, host: str, port: int, *, with_parent: bool) -> None:
    """Serve until SIGTERM or SIGINT; with a parent that started us, until it is gone."""
    app = App(options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if with_parent:  # it holds the other end of stdin
        loop.add_reader(sys.stdin, stop.set)
    if not options.fast:
        app.state.answers.warm()
    runner = web.ServerRunner(
        web.Server(app.handle, request_factory=_request, access_log=None, keepalive_timeout=75), shutdown_timeout=0.1
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    await site.start()
    app.state.root = f"http://{host}:{runner.addresses[0][1]}"
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)  # the books grow and are never garbage
    print(json.dumps({"root": app.state.root, "pid": os.getpid()}), flush=True)
    await stop.wait()
    await runner.cleanup()
    app.state.close()


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return web.BaseRequest(message, payload, protocol, writer, task, protocol._loop, client_max_size=LARGEST_BODY)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description="A test server that speaks OpenAI's and Anthropic's protocols.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--settings", default="{}", help="JSON of tests/language_server/options.py")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin is closed")
    given = parser.parse_args()
    options = Options()
    options.change(json.loads(given.settings))
    asyncio.run(serve(options, given.host, given.port, with_parent=given.with_parent))


if __name__ == "__main__":
    main()

-- UUIDv5 (RFC 9562) of each name in `named` (name) behind $start, in the namespace $namespace (32 hex digits); in order.
WITH hashed AS (SELECT sha1(unhex($namespace) || encode($start || name)) AS h FROM named)
SELECT concat(h[1:8], '-', h[9:12], '-5', h[14:16], '-',
              translate(h[17], '0123456789abcdef', '89ab89ab89ab89ab'), h[18:20], '-', h[21:32]) AS content_id
FROM hashed

-- What statements of every kind may call; a connection has them for itself.

-- A keyed hash of the player, as pipelines.engines.buckets counts it for frames: a round of SplitMix64, its lowest 16 bits.
CREATE OR REPLACE TEMP MACRO times_64(a, b) AS ((a::UHUGEINT * b::UHUGEINT) % 18446744073709551616::UHUGEINT)::UBIGINT;
CREATE OR REPLACE TEMP MACRO mixed_1(s) AS times_64(xor(s, s >> 30), 13787848793156543929);
CREATE OR REPLACE TEMP MACRO mixed_2(s) AS times_64(xor(s, s >> 27), 10723151780598845931);
CREATE OR REPLACE TEMP MACRO mixed_3(s) AS xor(s, s >> 31);
CREATE OR REPLACE TEMP MACRO stepped(s) AS ((s::UHUGEINT + 11400714819323198485) % 18446744073709551616::UHUGEINT)::UBIGINT;
CREATE OR REPLACE TEMP MACRO player_bucket(key) AS
    (mixed_3(mixed_2(mixed_1(stepped(xor(20250101::UBIGINT, key::UBIGINT))))) % 65536)::USMALLINT;

-- All that a challenge asks for, as it is published.
CREATE OR REPLACE TEMP MACRO asked_for(metric, op, target, window_days, also) AS
    list_prepend(struct_pack(metric := metric, op := op, target := target, window_days := window_days),
                 list_transform(coalesce(also, []), lambda part: struct_pack(metric := part.metric, op := part.op,
                                target := part.target, window_days := window_days)));

-- What the last app file that had it said of each badge that the night's file has no more: of the nights before, the newest whose file
-- named it. Input: `lost` (badge_id); parameter: as_of.
SELECT badge_id, arg_max(app ->> ('/badges/' || badge_id || '/title'), of) AS title,
       arg_max(app ->> ('/badges/' || badge_id || '/tier'), of) AS tier,
       arg_max(app ->> ('/badges/' || badge_id || '/category'), of) AS category,
       arg_max(CAST(app ->> ('/badges/' || badge_id || '/prestige') AS INTEGER), of) AS prestige
FROM (SELECT lost.badge_id, app, (as_of, revision) AS of FROM lost
      CROSS JOIN app_files JOIN nights USING (file_hash)
      WHERE as_of < $as_of AND app ->> ('/badges/' || lost.badge_id || '/title') IS NOT NULL)
GROUP BY badge_id ORDER BY badge_id

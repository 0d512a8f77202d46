-- What migrate() of @sess/store-postgres creates, with the default name of the table. All instants are ms since 1970 (UTC).
-- Only id, subject and absolute_at are indexed, and none of them changes: so most updates are HOT.

CREATE TABLE IF NOT EXISTS "sess_sessions" (
  id text COLLATE "C" PRIMARY KEY,
  revision text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  subject text COLLATE "C",
  created_at bigint NOT NULL,
  absolute_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  data text NOT NULL,
  rest text NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS "sess_sessions_subject" ON "sess_sessions" (subject) WHERE subject IS NOT NULL;

CREATE INDEX IF NOT EXISTS "sess_sessions_absolute_at" ON "sess_sessions" (absolute_at);

-- What migrate() of @sess/store-postgres creates, with the default name of the table. All instants are ms since 1970 (UTC).
-- Of the columns that change, none is indexed: so most updates are HOT.

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
  rest text NOT NULL,
  evicted boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS "sess_sessions_subject_id" ON "sess_sessions" (subject, id) WHERE subject IS NOT NULL;

CREATE INDEX IF NOT EXISTS "sess_sessions_absolute_at" ON "sess_sessions" (absolute_at);

-- Makes room for one more session of a subject, in one transaction: whatever the isolation level of the connection, each
-- statement after the lock sees what the admissions before this one have committed.
CREATE OR REPLACE PROCEDURE "sess_sessions_admit"(asked jsonb, INOUT answer text) LANGUAGE plpgsql AS $$
DECLARE
  whose CONSTANT text := asked->>'subject';
  admitted boolean;
  counted text[];
  excess integer;
BEGIN
  COMMIT;
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  PERFORM pg_advisory_xact_lock(hashtextextended(whose, 7340032502));

  DELETE FROM "sess_sessions" WHERE subject = whose
    AND state = 'reserved' AND NOT evicted AND created_at < (asked->>'abandonedBefore')::bigint;
  -- Asked again, it was admitted before.
  admitted := EXISTS (SELECT FROM "sess_sessions" WHERE id = asked->>'id');

  -- Those who are named come first, then the others by age.
  SELECT coalesce(array_agg(id ORDER BY place, created_at), '{}') INTO counted
    FROM "sess_sessions" LEFT JOIN jsonb_array_elements_text(asked->'named') WITH ORDINALITY AS named (id, place) USING (id)
    WHERE subject = whose AND state <> 'ended' AND NOT evicted
      AND absolute_at > (asked->>'at')::bigint AND NOT asked->'uncounted' ? id;
  excess := greatest(cardinality(counted) + 1 - (asked->>'limit')::bigint, 0);
  IF NOT admitted AND (excess = 0 OR asked->'victims' <> 'null') THEN
    UPDATE "sess_sessions" SET evicted = true WHERE id = ANY (counted[1:excess]);
    INSERT INTO "sess_sessions" (id, revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, data, rest)
      VALUES (asked->>'id', '', 'reserved', whose, (asked->>'at')::bigint, (asked->>'deadline')::bigint, 0, 0, '', '{}');
    admitted := true;
  END IF;

  SELECT jsonb_build_object('ok', admitted, 'evicted', coalesce(jsonb_agg(id), '[]')) INTO answer
    FROM "sess_sessions" WHERE subject = whose AND state <> 'ended' AND evicted
      AND absolute_at > (asked->>'at')::bigint AND id <> asked->>'id';
END
$$;

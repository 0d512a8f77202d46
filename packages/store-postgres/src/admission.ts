/**
 * Body of the procedure that carries out `SubjectIndex.admit`: `asked` is the admission, `answer` becomes the answer, both as
 * JSON. It is a procedure because that can begin a transaction of its own: whatever the isolation level of the connection,
 * each statement after the lock sees what the admissions before this one have committed.
 */
export function admission(table: string): string {
  return `
DECLARE
  whose CONSTANT text := asked->>'subject';
  admitted boolean;
  counted text[];
  excess integer;
BEGIN
  COMMIT;
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  PERFORM pg_advisory_xact_lock(hashtextextended(whose, 7340032502));

  DELETE FROM ${table} WHERE subject = whose
    AND state = 'reserved' AND NOT evicted AND created_at < (asked->>'abandonedBefore')::bigint;
  -- Asked again, it was admitted before.
  admitted := EXISTS (SELECT FROM ${table} WHERE id = asked->>'id');

  -- Those who are named come first, then the others by age.
  SELECT coalesce(array_agg(id ORDER BY place, created_at), '{}') INTO counted
    FROM ${table} LEFT JOIN jsonb_array_elements_text(asked->'named') WITH ORDINALITY AS named (id, place) USING (id)
    WHERE subject = whose AND state <> 'ended' AND NOT evicted
      AND absolute_at > (asked->>'at')::bigint AND NOT asked->'uncounted' ? id;
  excess := greatest(cardinality(counted) + 1 - (asked->>'limit')::bigint, 0);
  IF NOT admitted AND (excess = 0 OR asked->'victims' <> 'null') THEN
    UPDATE ${table} SET evicted = true WHERE id = ANY (counted[1:excess]);
    INSERT INTO ${table} (id, revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, data, rest)
      VALUES (asked->>'id', '', 'reserved', whose, (asked->>'at')::bigint, (asked->>'deadline')::bigint, 0, 0, '', '{}');
    admitted := true;
  END IF;

  SELECT jsonb_build_object('ok', admitted, 'evicted', coalesce(jsonb_agg(id), '[]')) INTO answer
    FROM ${table} WHERE subject = whose AND state <> 'ended' AND evicted
      AND absolute_at > (asked->>'at')::bigint AND id <> asked->>'id';
END
`
}

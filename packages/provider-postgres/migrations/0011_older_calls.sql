-- A call of 0002 that began before 0007 was applied, and waited for it, asks for this. Functions that others call are never dropped and never
-- change what they take, also where only functions call them: a call that is under way goes on with the body that it began with.
CREATE OR REPLACE FUNCTION locking_grant(
  p_namespace text, p_claim text, p_hashes bigint[], p_keys text[], p_owner text, p_kind text, p_permits double precision,
  p_expires_at timestamptz, p_provisional boolean, p_now timestamptz
) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT locking_grant(p_namespace, p_claim, p_hashes, p_keys, p_owner, p_kind, p_permits, p_expires_at, p_provisional, p_now, NULL)
$$;

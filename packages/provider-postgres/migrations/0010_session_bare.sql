-- locking_hold: takes claims bare, by the advisory locks of their keys in the session that asks, each claim all or none. Writes no row.
--
-- p_hashes, p_claims: each key's hash, and which of p_ids wants it (from 1); no hash comes twice, and none that this session holds. Replies with
-- a token for each claim, or null where it has to be asked for by rows.
--
-- First the locks, then a look under a fresh snapshot at rows and earlier waiters: who grants by rows has to have the lock as well until its
-- transaction is over. Either it has it, and the try fails; or what it wrote is seen. The tries come and go without the transition
-- locks. Who is put off by one finds its asker right behind it, which asks by rows next and then hands on whatever is free.
CREATE OR REPLACE FUNCTION locking_hold(p_namespace text, p_ids text[], p_claims integer[], p_hashes bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_got boolean[] := '{}';
  v_refused integer[];
  v_tokens bigint[] := '{}';
BEGIN
  FOR i IN 1 .. cardinality(p_hashes) LOOP
    v_got[i] := pg_try_advisory_lock((p_hashes[i] >> 32)::integer, ((p_hashes[i] << 32) >> 32)::integer);
  END LOOP;
  SELECT array_agg(u.claim) INTO v_refused
    FROM unnest(p_hashes, p_claims, v_got) AS u(hash, claim, got)
   WHERE NOT u.got
      OR (SELECT true FROM locking l WHERE l.namespace = p_namespace AND l.hash = u.hash LIMIT 1)
      OR (SELECT true FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = u.hash LIMIT 1)
      OR (SELECT true FROM locking_withdrawn w WHERE w.claim_id = p_ids[u.claim] LIMIT 1);
  IF v_refused IS NOT NULL THEN
    FOR i IN 1 .. cardinality(p_hashes) LOOP
      IF v_got[i] AND p_claims[i] = ANY (v_refused) THEN
        v_got[i] := pg_advisory_unlock((p_hashes[i] >> 32)::integer, ((p_hashes[i] << 32) >> 32)::integer);
      END IF;
    END LOOP;
  END IF;
  FOR i IN 1 .. cardinality(p_ids) LOOP
    v_tokens[i] := CASE WHEN v_refused IS NULL OR i <> ALL (v_refused) THEN nextval('locking_sequence') END;
  END LOOP;
  RETURN v_tokens;
END
$$;
--> statement-breakpoint
-- locking_hold_one: locking_hold for one claim of one key, which is what comes most often.
CREATE OR REPLACE FUNCTION locking_hold_one(p_namespace text, p_id text, p_hash bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF NOT pg_try_advisory_lock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash)
     OR EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hash)
     OR EXISTS (SELECT FROM locking_withdrawn w WHERE w.claim_id = p_id) THEN
    PERFORM pg_advisory_unlock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer);
    RETURN NULL;
  END IF;
  RETURN nextval('locking_sequence');
END
$$;
--> statement-breakpoint
-- locking_let_go: frees keys that this session holds bare. Replies for each: gone, it was not held; freed; or wanted, somebody may wait
-- and locking_look is to be asked.
--
-- A waiter finds the key held and queues under the key's transition lock. If that can be had here, its row is seen; if not, somebody is just
-- there. It is only tried, so that nothing else in this session ever has to wait.
CREATE OR REPLACE FUNCTION locking_let_go(p_namespace text, p_hashes bigint[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_alone boolean;
  v_hash bigint;
  v_outcomes text[] := '{}';
BEGIN
  FOREACH v_hash IN ARRAY p_hashes LOOP
    v_alone := pg_try_advisory_xact_lock(v_hash);
    IF NOT pg_advisory_unlock((v_hash >> 32)::integer, ((v_hash << 32) >> 32)::integer) THEN
      v_outcomes := v_outcomes || 'gone'::text;
    ELSIF NOT v_alone OR EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = v_hash) THEN
      v_outcomes := v_outcomes || 'wanted'::text;
    ELSE
      v_outcomes := v_outcomes || 'freed'::text;
    END IF;
  END LOOP;
  RETURN v_outcomes;
END
$$;
--> statement-breakpoint
-- locking_look: removes what lived with a session or transaction that is over, and hands the keys on, also those that were held bare. Replies
-- with what was handed to waiters of p_channel.
CREATE OR REPLACE FUNCTION locking_look(p_namespace text, p_channel text, p_hashes bigint[], p_keys text[])
RETURNS TABLE (outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text;
  v_durable boolean := false;
  a record;
BEGIN
  v_done := locking_enter(p_hashes)::text;
  DELETE FROM locking WHERE ctid = ANY (ARRAY(
    SELECT found.at FROM unnest(p_hashes, p_keys) AS w(hash, key)
     CROSS JOIN LATERAL (
       SELECT l.ctid AS at FROM locking l
        WHERE l.namespace = p_namespace AND l.hash = w.hash AND l.key = w.key
          AND l.session IS NOT NULL AND NOT locking_alive(l.session) OFFSET 0) AS found));
  FOR a IN
    SELECT h.* FROM locking_waited_for(p_namespace, p_hashes, p_keys) AS w,
           locking_advance(p_namespace, w.hashes, w.keys, p_hashes, NULL, p_channel, false) AS h
     WHERE w.hashes IS NOT NULL
  LOOP
    v_durable := v_durable OR a.outcome = 'granted';
    IF a.told = p_channel THEN
      outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
      RETURN NEXT;
    END IF;
  END LOOP;
  IF NOT v_durable THEN
    v_done := set_config('synchronous_commit', 'off', true);
  END IF;
END
$$;
--> statement-breakpoint
-- locking_bind: lets a grant live with the transaction that holds the lock on p_transaction, and no longer with its session or its lease.
-- Replies: bound; over, where nobody holds that lock; gone, where the grant is not held any more.
CREATE OR REPLACE FUNCTION locking_bind(p_namespace text, p_claim text, p_hashes bigint[], p_keys text[], p_transaction bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_rows tid[];
  v_count bigint;
BEGIN
  PERFORM locking_enter(p_hashes);
  PERFORM set_config('synchronous_commit', 'off', true);
  IF NOT locking_alive(p_transaction) THEN
    RETURN 'over';
  END IF;
  v_rows := locking_rows_of(p_namespace, p_hashes, p_keys, p_claim);
  SELECT count(*) INTO v_count FROM locking l
   WHERE l.ctid = ANY (v_rows) AND l.expires_at > clock_timestamp() AND (l.session IS NULL OR locking_alive(l.session));
  IF v_count <> cardinality(p_hashes) THEN
    RETURN 'gone';
  END IF;
  UPDATE locking SET session = p_transaction, expires_at = 'infinity', provisional = false WHERE ctid = ANY (v_rows);
  RETURN 'bound';
END
$$;

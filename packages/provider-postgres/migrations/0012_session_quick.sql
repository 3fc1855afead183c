-- locking_hold_bare: locking_hold for one claim of one key, which is what comes most often. Replies with its token, or null where it has to
-- be asked for by rows. For tombstones it does not look: whether this claim was withdrawn is known to the instance that asks, since nobody
-- else asks for it.
CREATE OR REPLACE FUNCTION locking_hold_bare(p_namespace text, p_hash bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF NOT pg_try_advisory_lock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash)
     OR EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hash) THEN
    PERFORM pg_advisory_unlock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer);
    RETURN NULL;
  END IF;
  RETURN nextval('locking_sequence');
END
$$;
--> statement-breakpoint
-- locking_let_go_one: locking_let_go for one key. See there for why the transition's lock is tried.
CREATE OR REPLACE FUNCTION locking_let_go_one(p_namespace text, p_hash bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_alone boolean := pg_try_advisory_xact_lock(p_hash);
BEGIN
  IF NOT pg_advisory_unlock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer) THEN
    RETURN 'gone';
  END IF;
  IF v_alone THEN
    PERFORM FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hash LIMIT 1;
    IF NOT FOUND THEN
      RETURN 'freed';
    END IF;
  END IF;
  RETURN 'wanted';
END
$$;

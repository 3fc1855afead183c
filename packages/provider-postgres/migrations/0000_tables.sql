-- IF NOT EXISTS is added by hand: the tables may come from the application's own migrations.
CREATE SEQUENCE IF NOT EXISTS "locking_sequence" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "locking" (
	"hash" bigint NOT NULL,
	"token" bigint NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"permits" double precision NOT NULL,
	"position" integer NOT NULL,
	"provisional" boolean NOT NULL,
	"namespace" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"claim_id" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"owner_id" text COLLATE "C",
	"prior" jsonb,
	CONSTRAINT "locking_pkey" PRIMARY KEY("namespace","hash","claim_id","position")
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "locking_queue" (
	"hash" bigint NOT NULL,
	"ticket" bigint NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"permits" double precision NOT NULL,
	"lease" double precision NOT NULL,
	"position" integer NOT NULL,
	"size" integer NOT NULL,
	"namespace" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"claim_id" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"owner_id" text COLLATE "C",
	"channel" text COLLATE "C",
	CONSTRAINT "locking_queue_pkey" PRIMARY KEY("namespace","hash","ticket","position")
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "locking_withdrawn" (
	"claim_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "locking_owner" ON "locking" USING btree ("namespace","owner_id","hash") WHERE owner_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "locking_queue_claim" ON "locking_queue" USING btree ("claim_id");

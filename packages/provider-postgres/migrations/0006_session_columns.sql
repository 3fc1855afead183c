-- IF NOT EXISTS is added by hand: the tables may come from the application's own migrations.
ALTER TABLE "locking" ADD COLUMN IF NOT EXISTS "session" bigint;--> statement-breakpoint
ALTER TABLE "locking_queue" ADD COLUMN IF NOT EXISTS "session" bigint;

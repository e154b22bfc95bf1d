ALTER TABLE "terminal_share_guests" ADD COLUMN "removed_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "terminal_share_guests" ADD COLUMN "removed_by" text;

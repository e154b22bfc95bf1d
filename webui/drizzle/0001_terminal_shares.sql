CREATE TABLE "terminal_shares" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"namespace" text NOT NULL,
	"project" text NOT NULL,
	"session" text NOT NULL,
	"label" text NOT NULL,
	"access" text NOT NULL,
	"audience" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"ended_by" text,
	CONSTRAINT "terminal_shares_access" CHECK ("access" in ('view', 'write')),
	CONSTRAINT "terminal_shares_audience" CHECK ("audience" in ('anyone', 'accounts'))
);
--> statement-breakpoint
CREATE TABLE "terminal_share_guests" (
	"id" text PRIMARY KEY NOT NULL,
	"share_id" text NOT NULL,
	"user_id" text,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"joined_at" timestamp with time zone DEFAULT now() NOT NULL,
	"left_at" timestamp with time zone,
	CONSTRAINT "terminal_share_guests_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "terminal_shares" ADD CONSTRAINT "terminal_shares_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "terminal_share_guests" ADD CONSTRAINT "terminal_share_guests_share_id_terminal_shares_id_fk" FOREIGN KEY ("share_id") REFERENCES "public"."terminal_shares"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "terminal_share_guests" ADD CONSTRAINT "terminal_share_guests_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "terminal_shares_project" ON "terminal_shares" USING btree ("namespace","project");
--> statement-breakpoint
CREATE INDEX "terminal_shares_expiry" ON "terminal_shares" USING btree ("expires_at");
--> statement-breakpoint
CREATE INDEX "terminal_share_guests_share" ON "terminal_share_guests" USING btree ("share_id");

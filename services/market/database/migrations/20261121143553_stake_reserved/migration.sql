-- AlterTable
ALTER TABLE "chain_stake" ADD COLUMN     "reserved" DECIMAL(78,0) NOT NULL DEFAULT 0;

-- What was reserved before this column was there, from the events.
INSERT INTO "chain_stake" ("provider", "total", "leaving", "reserved", "available_at")
SELECT DISTINCT ON ("account") "account", 0, 0, ("args" ->> 'amount')::numeric, 0 FROM "chain_event"
WHERE "contract" = 'staking' AND "name" = 'StakeReserved' AND "account" IS NOT NULL
ORDER BY "account", "block" DESC, "log_index" DESC
ON CONFLICT ("provider") DO UPDATE SET "reserved" = EXCLUDED."reserved";

-- AlterTable
ALTER TABLE "chain_stake" DROP COLUMN "locked";

-- CreateIndex
CREATE INDEX "chain_job_provider_state_idx" ON "chain_job"("provider", "state");

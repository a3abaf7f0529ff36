-- CreateTable
CREATE TABLE "market_past_receipt" (
    "job_id" TEXT NOT NULL,
    "checkpoint" BIGINT NOT NULL,
    "submission" JSONB NOT NULL,
    "signature" TEXT NOT NULL,

    CONSTRAINT "market_past_receipt_pkey" PRIMARY KEY ("job_id","checkpoint")
);

-- CreateTable
CREATE TABLE "market_conflict" (
    "job_id" TEXT NOT NULL,
    "checkpoint" BIGINT NOT NULL,
    "first" JSONB NOT NULL,
    "second" JSONB NOT NULL,
    "seen_at" BIGINT NOT NULL,

    CONSTRAINT "market_conflict_pkey" PRIMARY KEY ("job_id")
);

-- CreateIndex
CREATE INDEX "market_conflict_seen_at_job_id_idx" ON "market_conflict"("seen_at", "job_id");

-- The latest receipts are the ones to hold others against that are known already.
INSERT INTO "market_past_receipt" ("job_id", "checkpoint", "submission", "signature")
SELECT "job_id", "checkpoint", "submission", "signature" FROM "market_receipt";

-- CreateTable
CREATE TABLE "market_receipt" (
    "job_id" TEXT NOT NULL,
    "checkpoint" INTEGER NOT NULL,
    "submission" JSONB NOT NULL,
    "signature" TEXT NOT NULL,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "market_receipt_pkey" PRIMARY KEY ("job_id")
);

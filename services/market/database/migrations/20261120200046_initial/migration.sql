-- CreateTable
CREATE TABLE "chain_cursor" (
    "id" INTEGER NOT NULL,
    "chain_id" INTEGER NOT NULL,
    "market" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "chain_cursor_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "chain_block" (
    "number" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "timestamp" BIGINT NOT NULL,

    CONSTRAINT "chain_block_pkey" PRIMARY KEY ("number")
);

-- CreateTable
CREATE TABLE "chain_event" (
    "block" INTEGER NOT NULL,
    "log_index" INTEGER NOT NULL,
    "transaction" TEXT NOT NULL,
    "contract" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "job_id" TEXT,
    "account" TEXT,
    "timestamp" BIGINT NOT NULL,
    "args" JSONB NOT NULL,

    CONSTRAINT "chain_event_pkey" PRIMARY KEY ("block","log_index")
);

-- CreateTable
CREATE TABLE "chain_transaction" (
    "hash" TEXT NOT NULL,
    "block" INTEGER NOT NULL,
    "gas_used" BIGINT NOT NULL,
    "sender" TEXT NOT NULL,

    CONSTRAINT "chain_transaction_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "chain_job" (
    "id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "request_digest" TEXT NOT NULL,
    "requester" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "terms" JSONB NOT NULL,
    "progress" JSONB NOT NULL,
    "program_cid" TEXT NOT NULL,
    "data_cid" TEXT NOT NULL,
    "price" DECIMAL(78,0) NOT NULL,
    "collateral" DECIMAL(78,0) NOT NULL,
    "agreed_at" BIGINT NOT NULL,
    "deadline" BIGINT NOT NULL,
    "model_cid" TEXT,
    "prefix_root" TEXT,
    "paid" DECIMAL(78,0),
    "refunded" DECIMAL(78,0),
    "assurance" TEXT,
    "ended_at" BIGINT,
    "block" INTEGER NOT NULL,
    "log_index" INTEGER NOT NULL,

    CONSTRAINT "chain_job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "chain_stake" (
    "provider" TEXT NOT NULL,
    "total" DECIMAL(78,0) NOT NULL,
    "locked" DECIMAL(78,0) NOT NULL,
    "leaving" DECIMAL(78,0) NOT NULL,
    "available_at" BIGINT NOT NULL,

    CONSTRAINT "chain_stake_pkey" PRIMARY KEY ("provider")
);

-- CreateTable
CREATE TABLE "chain_standing" (
    "account" TEXT NOT NULL,
    "completed" BIGINT NOT NULL,
    "late" BIGINT NOT NULL,
    "expired" BIGINT NOT NULL,
    "slashed" BIGINT NOT NULL,
    "stopped" BIGINT NOT NULL,
    "challenges_lost" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,

    CONSTRAINT "chain_standing_pkey" PRIMARY KEY ("account")
);

-- CreateTable
CREATE TABLE "chain_operator" (
    "provider" TEXT NOT NULL,
    "operator" TEXT NOT NULL,

    CONSTRAINT "chain_operator_pkey" PRIMARY KEY ("provider","operator")
);

-- CreateTable
CREATE TABLE "chain_record" (
    "artifact_root" TEXT NOT NULL,
    "place" INTEGER NOT NULL,
    "job_id" TEXT NOT NULL,

    CONSTRAINT "chain_record_pkey" PRIMARY KEY ("artifact_root","place")
);

-- CreateTable
CREATE TABLE "market_offer" (
    "digest" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "nonce" DECIMAL(20,0) NOT NULL,
    "signed" JSONB NOT NULL,
    "expiry" BIGINT NOT NULL,
    "received_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "withdrawn_at" TIMESTAMP(3),

    CONSTRAINT "market_offer_pkey" PRIMARY KEY ("digest")
);

-- CreateTable
CREATE TABLE "market_request" (
    "digest" TEXT NOT NULL,
    "requester" TEXT NOT NULL,
    "signed" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "explanation" TEXT NOT NULL,
    "rejected" JSONB NOT NULL DEFAULT '[]',
    "maximum" DECIMAL(78,0) NOT NULL,
    "expiry" BIGINT NOT NULL,
    "received_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "market_request_pkey" PRIMARY KEY ("digest")
);

-- CreateTable
CREATE TABLE "market_proposal" (
    "id" TEXT NOT NULL,
    "place" BIGSERIAL NOT NULL,
    "request_digest" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "offer_digest" TEXT NOT NULL,
    "unit_price" DECIMAL(78,0) NOT NULL,
    "collateral" DECIMAL(78,0) NOT NULL,
    "answer_by" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "reason" JSONB,
    "acceptance" JSONB,
    "job_id" TEXT,
    "transaction" TEXT,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "market_proposal_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "market_transaction" (
    "key" TEXT NOT NULL,
    "nonce" INTEGER NOT NULL,
    "hashes" TEXT[],

    CONSTRAINT "market_transaction_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "api_report" (
    "job_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "report" JSONB NOT NULL,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "api_report_pkey" PRIMARY KEY ("job_id")
);

-- CreateTable
CREATE TABLE "api_nonce" (
    "nonce" TEXT NOT NULL,
    "expires_at" BIGINT NOT NULL,

    CONSTRAINT "api_nonce_pkey" PRIMARY KEY ("nonce")
);

-- CreateTable
CREATE TABLE "api_session" (
    "token_hash" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "expires_at" BIGINT NOT NULL,

    CONSTRAINT "api_session_pkey" PRIMARY KEY ("token_hash")
);

-- CreateTable
CREATE TABLE "api_presence" (
    "provider" TEXT NOT NULL,
    "until" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "api_presence_pkey" PRIMARY KEY ("provider")
);

-- CreateIndex
CREATE INDEX "chain_event_job_id_block_log_index_idx" ON "chain_event"("job_id", "block", "log_index");

-- CreateIndex
CREATE INDEX "chain_event_account_block_log_index_idx" ON "chain_event"("account", "block", "log_index");

-- CreateIndex
CREATE INDEX "chain_event_name_block_log_index_idx" ON "chain_event"("name", "block", "log_index");

-- CreateIndex
CREATE INDEX "chain_transaction_block_idx" ON "chain_transaction"("block");

-- CreateIndex
CREATE INDEX "chain_job_requester_agreed_at_idx" ON "chain_job"("requester", "agreed_at");

-- CreateIndex
CREATE INDEX "chain_job_provider_agreed_at_idx" ON "chain_job"("provider", "agreed_at");

-- CreateIndex
CREATE INDEX "chain_job_state_agreed_at_idx" ON "chain_job"("state", "agreed_at");

-- CreateIndex
CREATE INDEX "chain_job_request_digest_idx" ON "chain_job"("request_digest");

-- CreateIndex
CREATE INDEX "chain_job_agreed_at_id_idx" ON "chain_job"("agreed_at", "id");

-- CreateIndex
CREATE INDEX "chain_operator_operator_idx" ON "chain_operator"("operator");

-- CreateIndex
CREATE INDEX "chain_record_job_id_idx" ON "chain_record"("job_id");

-- CreateIndex
CREATE INDEX "market_offer_provider_idx" ON "market_offer"("provider");

-- CreateIndex
CREATE INDEX "market_offer_expiry_idx" ON "market_offer"("expiry");

-- CreateIndex
CREATE INDEX "market_request_state_idx" ON "market_request"("state");

-- CreateIndex
CREATE INDEX "market_request_requester_received_at_idx" ON "market_request"("requester", "received_at");

-- CreateIndex
CREATE UNIQUE INDEX "market_proposal_place_key" ON "market_proposal"("place");

-- CreateIndex
CREATE UNIQUE INDEX "market_proposal_job_id_key" ON "market_proposal"("job_id");

-- CreateIndex
CREATE INDEX "market_proposal_request_digest_idx" ON "market_proposal"("request_digest");

-- CreateIndex
CREATE INDEX "market_proposal_provider_state_idx" ON "market_proposal"("provider", "state");

-- CreateIndex
CREATE INDEX "market_proposal_state_idx" ON "market_proposal"("state");

-- CreateIndex
CREATE INDEX "api_session_expires_at_idx" ON "api_session"("expires_at");

-- AddForeignKey
ALTER TABLE "market_proposal" ADD CONSTRAINT "market_proposal_request_digest_fkey" FOREIGN KEY ("request_digest") REFERENCES "market_request"("digest") ON DELETE RESTRICT ON UPDATE CASCADE;

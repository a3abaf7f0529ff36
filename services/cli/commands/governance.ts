import type { Command } from "commander";
import { isAddress, toHex, type Address } from "viem";
import {
  GOVERNED_PARAMETERS,
  PARAMETER_NAMES,
  formatParameter,
  type ParameterName,
} from "@assay/protocol/domain/parameters";
import { AssayError } from "@assay/protocol/errors";
import type { Proposal, ProposedChange } from "@assay/sdk/actions/governance-proposals";
import type { Session } from "../home/session.ts";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, parseAmount, shortHex, type Token } from "../terminal/format.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";

const idOf = ({ id }: Proposal): string => toHex(id, { size: 32 });

const utc = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** What a proposal changes, in words. */
const sayChange = (change: ProposedChange, token: Token): string => {
  if (change.kind === "guardian") return `guardian, who can pause new agreements: → ${change.to}`;
  if (change.kind === "call") return `calls ${change.target} with ${shortHex(change.data)}`;
  const { name, from, to } = change;
  const [was, will] = [from, to].map((value) => formatParameter(name, value, token));
  return `${GOVERNED_PARAMETERS[name].words}: ${was} → ${will}`;
};

/** What happens next and when. */
const sayNext = ({ state, voteStart, voteEnd, executableAt }: Proposal): string => {
  switch (state) {
    case "pending":
      return `the vote begins ${utc(voteStart)}`;
    case "active":
      return `the vote ends ${utc(voteEnd)}`;
    case "succeeded":
      return "voted for: anyone can carry it out";
    case "queued":
      return executableAt === null ? "waits" : `takes effect from ${utc(executableAt)}`;
    default:
      return "over";
  }
};

const print = ({ output }: Session, proposal: Proposal, token: Token): void => {
  const { votes, quorum, description } = proposal;
  const [title = ""] = description.split("\n");
  output.step(`${shortHex(idOf(proposal))}  ${proposal.state}  ${title}`);
  for (const change of proposal.changes) output.line(sayChange(change, token));
  if (proposal.changes.length === 0) output.line("changes nothing");
  const amounts = [votes.for, votes.against, votes.abstain].map((sum) => formatAmount(sum, token));
  output.line(`for ${amounts[0]}, against ${amounts[1]}, abstain ${amounts[2]}`);
  if (quorum !== null) {
    const there = votes.for + votes.abstain;
    output.line(
      `quorum ${formatAmount(quorum, token)}: ${there >= quorum ? "reached" : `${formatAmount(quorum - there, token)} missing`}`,
    );
  }
  output.line(sayNext(proposal));
};

/** The proposal as `--json` prints it. */
const asJson = ({ calls: _, ...proposal }: Proposal, token: Token) => ({
  ...proposal,
  id: toHex(proposal.id, { size: 32 }),
  words: proposal.changes.map((change) => sayChange(change, token)),
});

/** The proposal whose id starts with `text`. @throws `USAGE_BAD_PROPOSAL`, `USAGE_AMBIGUOUS_ID`, `PROPOSAL_UNKNOWN` */
const find = async (session: Session, text: string): Promise<Proposal> => {
  const prefix = text.replace(/…$/, "").toLowerCase();
  if (!/^0x[0-9a-f]{4,64}$/.test(prefix)) {
    throw new AssayError("USAGE_BAD_PROPOSAL", `“${text}” is not a proposal's id`, {
      remedy: "give the id or its first 4 or more hex digits, as `assay governance list` prints it",
    });
  }
  const found = (await session.reader.proposals()).filter((one) => idOf(one).startsWith(prefix));
  const [only] = found;
  if (found.length > 1) {
    throw new AssayError("USAGE_AMBIGUOUS_ID", `${found.length} proposals start with ${prefix}`, {
      remedy: "give more digits",
    });
  }
  if (only === undefined) {
    throw new AssayError("PROPOSAL_UNKNOWN", `no proposal starts with ${prefix}`, {
      remedy: "see `assay governance list`",
    });
  }
  return only;
};

const CHOICES = { for: "for", against: "against", abstain: "abstain" } as const;

const choiceOf = (text: string): keyof typeof CHOICES => {
  if (text in CHOICES) return text as keyof typeof CHOICES;
  throw new AssayError("USAGE_BAD_VOTE", `“${text}” is no vote`, {
    remedy: "vote for, against or abstain",
  });
};

/** `protocolFeeBps=200`: whole numbers as in the contract; the bond as an amount of the token. */
const changeOf = (
  text: string,
  token: Token,
): readonly [ParameterName, number | bigint | Address] => {
  const [name = "", value = ""] = text.split("=");
  if (!(PARAMETER_NAMES as string[]).includes(name)) {
    throw new AssayError("USAGE_BAD_PARAMETER", `“${name}” is no governed parameter`, {
      remedy: `one of ${PARAMETER_NAMES.join(", ")}`,
    });
  }
  const { unit } = GOVERNED_PARAMETERS[name as ParameterName];
  if (unit === "amount") return [name as ParameterName, parseAmount(value, token)];
  if (unit === "address" && isAddress(value)) return [name as ParameterName, value];
  if (unit !== "address" && /^[0-9]{1,10}$/.test(value))
    return [name as ParameterName, Number(value)];
  const wanted = { seconds: "seconds", share: "basis points", address: "an address" }[unit];
  throw new AssayError(
    "USAGE_BAD_PARAMETER",
    `“${text}” is not NAME=VALUE with a value in ${wanted}`,
    {
      remedy: "write it like protocolFeeBps=200",
    },
  );
};

export const registerGovernance = (program: Command): void => {
  const governance = program
    .command("governance")
    .description("votes of the stake on the market's parameters")
    .addHelpText("after", "\nExample:\n  assay governance list");
  governance
    .command("list")
    .description("proposals, newest first: what each changes, its votes, and when it ends")
    .option("--all", "also those that are over")
    .addHelpText("after", "\nExample:\n  assay governance list --all")
    .action(async ({ all = false }: { all?: boolean }, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const token = await tokenOf(session);
      const listed = (await session.reader.proposals()).filter(
        (one) => all || sayNext(one) !== "over",
      );
      for (const one of listed) print(session, one, token);
      if (listed.length === 0) {
        session.output.line(
          all ? "nothing has been proposed" : "nothing is open; --all shows the rest",
        );
      }
      const open = listed.find(({ state }) => state === "active");
      if (open !== undefined) {
        session.output.next(`assay governance vote ${shortHex(idOf(open)).slice(0, 10)} for`);
      }
      session.output.result({ proposals: listed.map((one) => asJson(one, token)) });
    });
  governance
    .command("show <id>")
    .description("one proposal, with its whole text")
    .addHelpText("after", "\nExample:\n  assay governance show 0x12ab34")
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const token = await tokenOf(session);
      const found = await find(session, id);
      print(session, found, token);
      session.output.line(`proposed by ${found.proposer}`);
      for (const line of found.description.split("\n").slice(1)) session.output.line(line);
      session.output.result(asJson(found, token));
    });
  governance
    .command("vote <id> <choice>")
    .description("vote for, against or abstain, with all stake that this key votes with")
    .option("--reason <text>", "kept on the chain with the vote", "")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nStake votes as it was when the vote began. A vote cannot be changed.\n\nExample:\n  assay governance vote 0x12ab34 for",
    )
    .action(
      async (
        id: string,
        text: string,
        { reason, yes = false }: { reason: string; yes?: boolean },
        command: Command,
      ) => {
        const choice = choiceOf(text);
        const session = await sessionOf(command, asProvider);
        const token = await tokenOf(session);
        const found = await find(session, id);
        print(session, found, token);
        await confirm(`Vote ${choice} with ${session.account().address}?`, yes);
        const { hash, weight } = await session.assay.vote(found.id, choice, reason);
        session.output.good(`voted ${choice} with ${formatAmount(weight, token)}`);
        session.output.result({ id: idOf(found), choice, weight, transaction: hash });
      },
    );
  governance
    .command("delegate <address>")
    .description("let another key vote with this one's stake; its own address takes it back")
    .addHelpText(
      "after",
      "\nThe stake itself stays where it is.\n\nExample:\n  assay governance delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    )
    .action(async (to: string, _options: unknown, command: Command) => {
      if (!isAddress(to)) {
        throw new AssayError("USAGE_BAD_ADDRESS", `“${to}” is no address`, {
          remedy: "give 0x and 40 hex digits",
        });
      }
      const session = await sessionOf(command, asProvider);
      const { hash } = await session.assay.delegateVotes(to);
      session.output.good(`${to} votes with the stake of ${session.account().address}`);
      session.output.result({ to, transaction: hash });
    });
  governance
    .command("propose <changes...>")
    .description("put other parameters to the vote, as NAME=VALUE")
    .requiredOption("--why <text>", "the proposal's text; its first line is the title")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nValues are seconds, basis points, an amount of the token, or an address.\n\nExample:\n  assay governance propose protocolFeeBps=200 --why 'Double the fee'",
    )
    .action(
      async (
        texts: string[],
        { why, yes = false }: { why: string; yes?: boolean },
        command: Command,
      ) => {
        const session = await sessionOf(command, asProvider);
        const token = await tokenOf(session);
        const changes = Object.fromEntries(texts.map((text) => changeOf(text, token)));
        await confirm(`Propose ${texts.join(", ")} with ${session.account().address}?`, yes);
        const { id, hash } = await session.assay.proposeParameters(changes, why);
        const made = await session.reader.proposal(id);
        print(session, made, token);
        session.output.result({ ...asJson(made, token), transaction: hash });
      },
    );
  governance
    .command("carry-out <id>")
    .description("move what was voted for into the timelock, or, after its delay, into effect")
    .addHelpText("after", "\nExample:\n  assay governance carry-out 0x12ab34")
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const found = await find(session, id);
      const { hash, step } = await session.assay.carryOut(found.id);
      session.output.good(
        step === "queued" ? "queued: carry it out again after the delay" : "in effect for new jobs",
      );
      session.output.result({ id: idOf(found), step, transaction: hash });
    });
};

/** What is deployed, in which order. The order fixes the market's address, which its modules take before it exists. */
import { buildModule } from "@nomicfoundation/ignition-core";

/** The open token of local chains, with enough minted and approved for the market's probe. */
export const localTokenModule = buildModule("LocalToken", (m) => {
  const token = m.contract("TestToken");
  m.call(token, "mint", [m.getAccount(0), m.getParameter("probe")]);
  return { token };
});

/** Transactions of `assayModule` before the market's, before the dispute game's, and in all. */
export const BEFORE_MARKET = 6;
export const BEFORE_DISPUTES = BEFORE_MARKET + 6;
export const ASSAY_TRANSACTIONS = BEFORE_DISPUTES + 1;

/** The timelock, made for the governor that will stand at `stakeGovernor`: no key ever holds a role in it. */
export const timelockModule = buildModule("Timelock", (m) => ({
  timelock: m.contract("Timelock", [m.getParameter("delay"), m.getParameter("stakeGovernor")]),
}));

export const stakeGovernorModule = buildModule("StakeGovernor", (m) => ({
  stakeGovernor: m.contract("StakeGovernor", [
    m.getParameter<string>("staking"),
    m.getParameter<string>("timelock"),
    m.getParameter("settings"),
  ]),
}));

/**
 * The market and its modules over an existing token, and the dispute game that `first` names. `market` and `first.disputes` must
 * be the addresses that the deployer's nonce gives them: a wrong market makes its own constructor revert.
 */
export const assayModule = buildModule("Assay", (m) => {
  const market = m.getParameter<string>("market");
  const probe = m.getParameter("probe");
  const token = m.contractAt("IERC20", m.getParameter<string>("token"), { id: "Token" });

  const approval = m.call(token, "approve", [market, probe]);
  const parameters = m.contract(
    "Parameters",
    [
      m.getParameter("governor"),
      m.getParameter("guardian"),
      m.getParameter("min"),
      m.getParameter("max"),
      m.getParameter("first"),
    ],
    { after: [approval] },
  );
  const staking = m.contract("Staking", [market, parameters], { after: [parameters] });
  const reputation = m.contract("Reputation", [market, m.getParameter("decimals")], {
    after: [staking],
  });
  const provenance = m.contract("Provenance", [market], { after: [reputation] });
  const modules = { token, staking, reputation, provenance, parameters };
  const sidePaths = m.contract("SidePaths", [modules], { after: [provenance] });
  const deployed = m.contract("Market", [modules, sidePaths, probe], { after: [sidePaths] });
  const referee = m.contract("Referee", [], { after: [deployed] });
  const faults = m.contract("ProgramFaults", [], { after: [referee] });
  const proofs = m.contract("Proofs", [referee], { after: [faults] });
  const beacon = m.contract("BlockBeacon", [], { after: [proofs] });
  const gasPrice = m.getParameter("gasPrice");
  const parts = { market: deployed, referee, faults, proofs, beacon, gasPrice };
  const clerk = m.contract("Clerk", [parts], { after: [beacon] });
  const disputes = m.contract("Disputes", [parts, clerk], { after: [clerk] });
  return {
    market: deployed,
    sidePaths,
    staking,
    reputation,
    provenance,
    parameters,
    referee,
    faults,
    proofs,
    beacon,
    clerk,
    disputes,
  };
});

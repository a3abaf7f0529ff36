/**
 * The chain of `assay up`, as a process of its own: a Hardhat node that mines by the clock and at each transaction. Prints one line
 * `{"rpcUrl": …}` when it listens; ends with SIGTERM or when its parent goes.
 */
import hre from "hardhat";

const port = Number(process.argv[2] ?? 0);
const server = await hre.network.createServer({ network: "local" }, "127.0.0.1", port);
const listening = await server.listen();
process.stdout.write(`${JSON.stringify({ rpcUrl: `http://127.0.0.1:${listening.port}` })}\n`);

const stop = async (): Promise<void> => {
  await server.close();
  process.exit(0);
};
process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
process.once("disconnect", () => void stop());

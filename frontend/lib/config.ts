import { isAddress, type Address } from "viem"

/** Where this market is. Read from the environment when the server starts, so that one build serves any market. */
export interface Config {
  escrow: Address
  chainId: number
  rpcUrl: string
  schedulerUrl: string
}

export const LOCAL_CHAINS = [1337, 5777, 31337]
/** Chains on which the token has a faucet: see `ResourceToken.sol`. */
export const TEST_CHAINS = [...LOCAL_CHAINS, 11155111]

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The settings, or what is wrong with them: one line each.
 */
export function readConfig(environment: Environment): Config | string[] {
  // By computed names: what is written out, the build would replace by its own values.
  const read = (name: string) => environment[name]?.trim() ?? ""
  const escrow = read("NEXT_PUBLIC_CONTRACT_ADDRESS")
  const chainId = Number(read("NEXT_PUBLIC_NETWORK_ID"))
  const rpcUrl = read("NEXT_PUBLIC_RPC_URL")
  const schedulerUrl = read("SCHEDULER_URL") || "http://127.0.0.1:5000"
  const faults: string[] = []
  if (!isAddress(escrow)) faults.push("NEXT_PUBLIC_CONTRACT_ADDRESS is not an address: name the escrow contract.")
  if (!Number.isSafeInteger(chainId) || chainId < 1) faults.push("NEXT_PUBLIC_NETWORK_ID is not a chain's number.")
  if (!isHttp(rpcUrl)) faults.push("NEXT_PUBLIC_RPC_URL is not an http(s) URL of a node.")
  if (!isHttp(schedulerUrl)) faults.push("SCHEDULER_URL is not an http(s) URL.")
  if (faults.length > 0) return faults
  return { escrow: escrow as Address, chainId, rpcUrl, schedulerUrl: schedulerUrl.replace(/\/+$/, "") }
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

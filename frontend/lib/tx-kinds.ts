import type { AbiParameter } from "viem"

/** What an argument of our contracts stands for. `raw` is told as it is. */
export type Kind = keyof typeof TYPES

/** The types that each kind is of: what has another one is not that. */
const TYPES = {
  raw: /./,
  number: /^u?int/,
  text: /^string$/,
  address: /^address$/,
  job: /^bytes32$/,
  image: /^bytes32$/,
  selector: /^bytes4$/,
  cid: /^string$/,
  tokens: /^uint/, // base units
  ether: /^uint/, // wei
  moment: /^uint/, // Unix seconds; 0 is never
  seconds: /^uint/,
  share: /^uint/, // basis points for the provider
  ruling: /^uint/, // 1 and a share, or 0
  units: /^uint/, // of bonded capacity
  jobState: /^uint8$/,
  phase: /^uint8$/,
  cpus: /^uint/, // thousandths
  mib: /^uint/,
  kibEachSecond: /^uint/,
  cpuMs: /^uint/,
  mibSeconds: /^uint/,
  kib: /^uint/,
  perCpuMs: /^uint/, // base units, as what follows
  perMibSecond: /^uint/,
  perKib: /^uint/,
  perSecond: /^uint/,
} as const

/** By the argument's name; where that means different things, by the call, event, error or struct that it is in. */
export const KINDS: Readonly<Record<string, Kind>> = {
  jobId: "job",
  image: "image",
  cid: "cid",
  resultCid: "cid",
  evidence: "cid",
  "declineJob.reason": "text",
  "JobDeclined.reason": "text",
  "ReportSkipped.reason": "selector",

  deposit: "tokens",
  minimum: "tokens",
  amount: "tokens",
  "FeesWithdrawn.amount": "ether",
  earned: "tokens",
  refunded: "tokens",
  frozen: "tokens",
  toProvider: "tokens",
  toConsumer: "tokens",
  costs: "tokens",
  staked: "tokens",
  free: "tokens",
  gain: "tokens",
  loss: "tokens",
  fee: "ether",
  sent: "ether",
  value: "tokens",
  "SafeCastOverflowedUintDowncast.value": "number",
  allowance: "tokens",
  balance: "tokens",
  "ERC20InsufficientAllowance.needed": "tokens",
  "ERC20InsufficientBalance.needed": "tokens",

  claimBy: "moment",
  deadline: "moment",
  permitDeadline: "moment",
  unbondAt: "moment",
  until: "moment",
  lapsesAt: "moment",
  settlesAt: "moment",
  dueAt: "moment",
  opensAt: "moment",
  commitEndsAt: "moment",
  revealEndsAt: "moment",
  appealEndsAt: "moment",
  duration: "seconds",
  claimWithin: "seconds",

  share: "share",
  ruling: "ruling",
  state: "jobState",
  phase: "phase",

  units: "units",
  bonded: "units",
  reserved: "units",
  "BondTooSmall.needed": "units",

  "Resources.cpuMillis": "cpus",
  "Resources.memoryMib": "mib",
  "Resources.egressKibS": "kibEachSecond",
  "Usage.cpuMs": "cpuMs",
  "Usage.memoryMibS": "mibSeconds",
  "Usage.egressKib": "kib",
  "Usage.wallS": "seconds",
  "Rates.cpuMs": "perCpuMs",
  "Rates.memoryMibS": "perMibSecond",
  "Rates.egressKib": "perKib",
  "Rates.wallS": "perSecond",

  attempt: "number",
  rateCard: "number",
  exitCode: "number",
  disputeId: "number",
  metaEvidenceId: "number",
  evidenceGroupId: "number",
  round: "number",
  seat: "number",
  wanted: "number",
  drawn: "number",
  revealed: "number",
  coherent: "number",
  seedBlock: "number",
  firstBlock: "number",
  choices: "number",
  bits: "number",
  length: "number",
  currentNonce: "number",
  "TooLittleGas.needed": "number",
}

/** The kind of an argument of a call, event, error or struct. */
export function kindOf({ name = "", type }: AbiParameter, within: string): Kind {
  const kind = KINDS[`${within}.${name}`] ?? KINDS[name]
  if (kind) return TYPES[kind].test(type) ? kind : "raw"
  return type === "address" ? "address" : "raw"
}

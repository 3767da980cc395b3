import type { Agent } from "@/lib/api"
import { maxCost, pricesOf, type Prices, type Resources } from "@/lib/money"
import { t } from "@/texts/en"

/** What somebody looks for. */
export interface Wanted extends Resources {
  seconds: number
  gpu: boolean
  runtime: string
  text: string
  onlyFitting: boolean
}

/** A provider's agent as an offer. */
export interface Offer {
  agent: Agent
  region: string
  prices: Prices | null
  /** The most that the job could cost here, in base units; null while it has no rates on the chain. */
  cost: bigint | null
  /** Why it could not take the job now; "" when it could. */
  lacks: "" | "gone" | "draining" | "small"
}

export function offerOf(agent: Agent, wanted: Wanted): Offer {
  const { rates } = agent
  return {
    agent,
    region: agent.attributes["region"] ?? "",
    prices: rates ? pricesOf(rates) : null,
    cost: rates ? maxCost(wanted, rates, wanted.seconds) : null,
    lacks: lackOf(agent, wanted),
  }
}

function lackOf(agent: Agent, wanted: Wanted): Offer["lacks"] {
  if (!agent.live) return "gone"
  if (agent.draining) return "draining"
  const { free } = agent
  const fits = free.cpu_millis >= wanted.cpu_millis && free.memory_mib >= wanted.memory_mib
  return fits && (free.egress_kib_s ?? 0) >= wanted.egress_kib_s ? "" : "small"
}

export function isShown(offer: Offer, wanted: Wanted): boolean {
  const { agent } = offer
  if (wanted.onlyFitting && offer.lacks !== "") return false
  if (wanted.gpu && agent.gpus === 0) return false
  if (wanted.runtime && !agent.runtimes.some((one) => one.split("+")[0] === wanted.runtime)) return false
  const text = wanted.text.trim().toLowerCase()
  if (!text) return true
  const words = [agent.agent, ...Object.entries(agent.attributes).flat()].join(" ").toLowerCase()
  return text.split(/\s+/).every((word) => words.includes(word))
}

/** What the chain says of how a provider's runs ended. */
export function recordOf({ agent: { record } }: Offer): string {
  return record ? t.market.record(record.completed, record.lapsed, record.disputes_lost) : t.market.noRecord
}

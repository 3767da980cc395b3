"use client"

import { useQueryClient } from "@tanstack/react-query"
import { createContext, useCallback, useContext, useState, type ReactNode } from "react"
import type { Address } from "viem"

import { useChain, type Chain } from "@/hooks/use-chain"
import { useEvents, type Link } from "@/hooks/use-events"
import { AskAgain } from "@/lib/again"

/** What an answer changes with: the chain's blocks, the list of agents, or the deployments of an address. */
export type Follows = "head" | "agents" | Address

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: { follows?: Follows; gapMs?: (data: unknown) => number; isFinal?: (data: unknown) => boolean }
  }
}

/** GET /v1/market/events. */
export interface News {
  head: number
  read: number
  /** Whether one of them is another. */
  block: boolean
  /** Whose deployments may have changed; null for anybody's. */
  parties: string[] | null
  agents: boolean
}

// In case nothing is told: a scheduler is believed about when to ask again, and not for long.
const SELDOM_MS = 10_000
const OFTEN_MS = { head: 1000, else: 3000 }
const LEAST_GAP_MS = 300
const SILENT_MS = 11_000 // twice what the scheduler lets pass, and some
const NODE_TRIES = 10
const NODE_AGAIN_MS = 300

const LinkContext = createContext<Link>("connecting")
const HeadContext = createContext<number | null>(null)

/** Everything below asks anew when there is news of what it asked for. */
export function NewsProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const chain = useChain()
  const [head, setHead] = useState<number | null>(null)
  const [again] = useState(() => new AskAgain(queries))
  const take = useCallback(
    (data: string) => {
      const news = JSON.parse(data) as News
      setHead(news.head)
      again.about(({ follows }) => follows !== "head" && concerns(follows, news))
      if (news.block) void reached(chain, news.head).then(() => again.about(({ follows }) => follows === "head"))
    },
    [again, chain],
  )
  const link = useEvents("/v1/market/events", { on: { news: take }, silentMs: SILENT_MS })
  return (
    <LinkContext value={link}>
      <HeadContext value={head}>{children}</HeadContext>
    </LinkContext>
  )
}

/** Wait until the page's own node, which may be another than the scheduler's, has a block too; not for long. */
async function reached(chain: Chain | undefined, head: number): Promise<void> {
  for (let tries = 0; chain && tries < NODE_TRIES; tries++) {
    const number = await chain.getBlockNumber({ cacheTime: 0 }).catch(() => null)
    if (number === null || number >= head) return
    await new Promise((resolve) => setTimeout(resolve, NODE_AGAIN_MS))
  }
}

/** Whether something is worth asking for again. */
export function concerns(follows: Follows | undefined, news: News): boolean {
  if (follows === undefined) return false
  if (follows === "head") return news.block
  if (follows === "agents") return news.agents
  return news.parties === null || news.parties.some((one) => one.toLowerCase() === follows.toLowerCase())
}

/** Whether the scheduler tells this page what is new. */
export function useMarketLink(): Link {
  return useContext(LinkContext)
}

/** The newest block that the scheduler has told of; null before the first. */
export function useHead(): number | null {
  return useContext(HeadContext)
}

interface Options<T> {
  /** What never changes any more is not asked for again. */
  isFinal?: (data: T | undefined) => boolean
  /** At least so long from this answer to the next question. */
  gapMs?: (data: T | undefined) => number
}

/** What makes a query follow something: spread it into the query's options. */
export function useFollowing<T>(
  follows: Follows | undefined,
  { isFinal = () => false, gapMs = () => LEAST_GAP_MS }: Options<T> = {},
) {
  const link = useMarketLink()
  const everyMs = link === "live" ? SELDOM_MS : OFTEN_MS[follows === "head" ? "head" : "else"]
  return {
    meta: {
      ...(follows && { follows }),
      gapMs: gapMs as (data: unknown) => number,
      isFinal: isFinal as (data: unknown) => boolean,
    },
    refetchInterval: ({ state: { data } }: { state: { data: T | undefined } }) =>
      follows === undefined || isFinal(data) ? false : Math.max(gapMs(data), everyMs),
  }
}

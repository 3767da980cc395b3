"use client"

import { useQueryClient, type Query } from "@tanstack/react-query"
import { createContext, useCallback, useContext, useState, type ReactNode } from "react"
import type { Address } from "viem"

import { useEvents, type Link } from "@/hooks/use-events"
import { Again } from "@/lib/again"

/** What an answer changes with: the chain's blocks, the list of agents, or the deployments of an address. */
export type Follows = "head" | "agents" | Address

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: { follows?: Follows; gapMs?: number; isFinal?: (data: unknown) => boolean }
  }
}

/** GET /v1/market/events. */
export interface News {
  head: number
  read: number
  /** Whose deployments may have changed; null for anybody's. */
  parties: string[] | null
  agents: boolean
}

// In case nothing is told: a scheduler is believed about when to ask again, and not for long.
const SELDOM_MS = 10_000
const OFTEN_MS = { head: 1000, else: 3000 }

const LinkContext = createContext<Link>("connecting")
const HeadContext = createContext<number | null>(null)

/** Everything below asks anew when there is news of what it asked for. */
export function NewsProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [head, setHead] = useState<number | null>(null)
  const [turns] = useState(() => new WeakMap<Query, Again>())
  const look = useCallback(
    (query: Query) => {
      const exactly = { queryKey: query.queryKey, exact: true }
      const work = () => queries.invalidateQueries(exactly)
      const again = turns.get(query) ?? new Again(work, () => query.meta?.gapMs ?? 0)
      turns.set(query, again)
      again.ask()
    },
    [queries, turns],
  )
  const [last] = useState<{ news?: News }>({})
  const take = useCallback(
    (data: string) => {
      const news = JSON.parse(data) as News
      const isBlock = news.head !== last.news?.head || news.read !== last.news.read
      last.news = news
      setHead(news.head)
      for (const query of queries.getQueryCache().getAll()) {
        const { follows, isFinal } = query.meta ?? {}
        if (concerns(follows, news, isBlock) && !isFinal?.(query.state.data)) look(query)
      }
    },
    [last, look, queries],
  )
  const link = useEvents("/v1/market/events", { on: { news: take } })
  return (
    <LinkContext value={link}>
      <HeadContext value={head}>{children}</HeadContext>
    </LinkContext>
  )
}

/** Whether something is worth asking for again. */
export function concerns(follows: Follows | undefined, news: News, isBlock: boolean): boolean {
  if (follows === undefined) return false
  if (follows === "head") return isBlock
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
  /** At least so long from one answer to the next question. */
  gapMs?: number
}

/** What makes a query follow something: spread it into the query's options. */
export function useFollowing<T>(follows: Follows | undefined, { isFinal = () => false, gapMs = 0 }: Options<T> = {}) {
  const link = useMarketLink()
  const everyMs = Math.max(gapMs, link === "live" ? SELDOM_MS : OFTEN_MS[follows === "head" ? "head" : "else"])
  return {
    meta: { ...(follows && { follows }), gapMs, isFinal: isFinal as (data: unknown) => boolean },
    refetchInterval: (query: { state: { data: T | undefined } }) =>
      follows === undefined || isFinal(query.state.data) ? false : everyMs,
  }
}

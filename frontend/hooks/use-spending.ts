"use client"

import { useQuery, useQueryClient } from "@tanstack/react-query"
import type { Address } from "viem"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { everyItem, type Spent } from "@/lib/api"
import { joined, sinceOf, type Days } from "@/lib/spending"

/** So many reports are read at most, the newest. */
export const MOST = 20_000
const OVERLAP_S = 600 // a block that came in another's place is asked for again

/** What reports have moved in so many days, from a consumer or to a provider; what is new is asked for as it comes. */
export function useSpending(side: "consumer" | "provider", address: Address | undefined, days: Days) {
  const { api } = useMarket()
  const queries = useQueryClient()
  const key = ["spending", side, address, days]
  return useQuery({
    queryKey: key,
    enabled: address !== undefined,
    ...useFollowing<Spent[]>(address),
    queryFn: async ({ signal }) => {
      const first = sinceOf(Date.now() / 1000, days)
      const known = (queries.getQueryData<Spent[]>(key) ?? []).filter((one) => one.at >= first)
      const since = Math.max(first, (known[0]?.at ?? 0) - OVERLAP_S)
      const fresh = await everyItem<Spent>(api, `/v1/spending?${side}=${address}&since=${since}`, MOST, signal)
      return joined(
        known.filter((one) => one.at < since),
        fresh,
      ).slice(0, MOST)
    },
  })
}

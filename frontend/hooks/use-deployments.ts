"use client"

import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query"
import type { Address } from "viem"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import type { Page, Summary } from "@/lib/api"

const AT_ONCE = 50
const EACH_MS = 300

type Pages = InfiniteData<Page<Summary>>

/** The deployments that an address has posted, or has run, from whatever client: newest first, page by page. */
export function useDeployments(side: "consumer" | "provider", address: Address | undefined) {
  const { api } = useMarket()
  const key = ["deployments", side, address]
  const pages = useQueryClient().getQueryData<Pages>(key)?.pages.length ?? 1
  return useInfiniteQuery({
    queryKey: key,
    enabled: address !== undefined,
    ...useFollowing<Pages>(address, { gapMs: EACH_MS * pages }),
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => {
      const cursor = pageParam && `&cursor=${encodeURIComponent(pageParam)}`
      return api.get<Page<Summary>>(`/v1/deployments?${side}=${address}&limit=${AT_ONCE}${cursor}`, signal)
    },
    getNextPageParam: (last) => last.next ?? undefined,
  })
}

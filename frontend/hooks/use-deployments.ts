"use client"

import { useInfiniteQuery, type InfiniteData } from "@tanstack/react-query"
import type { Address } from "viem"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import type { Page, Summary } from "@/lib/api"

const AT_ONCE = 50
const EACH_MS = 300

/** The deployments that an address has posted, or has run, from whatever client: newest first, page by page. */
export function useDeployments(side: "consumer" | "provider", address: Address | undefined) {
  const { api } = useMarket()
  return useInfiniteQuery({
    queryKey: ["deployments", side, address],
    enabled: address !== undefined,
    ...useFollowing<InfiniteData<Page<Summary>>>(address, { gapMs: (known) => EACH_MS * (known?.pages.length ?? 1) }),
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => {
      const cursor = pageParam && `&cursor=${encodeURIComponent(pageParam)}`
      return api.get<Page<Summary>>(`/v1/deployments?${side}=${address}&limit=${AT_ONCE}${cursor}`, signal)
    },
    getNextPageParam: (last) => last.next ?? undefined,
  })
}

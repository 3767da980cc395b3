"use client"

import { useInfiniteQuery } from "@tanstack/react-query"
import Link from "next/link"

import { Badge } from "@/components/ui/badge"
import { Button } from "@/components/ui/button"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useMarket } from "@/hooks/market"
import { useWallet } from "@/hooks/use-wallet"
import type { Page, Summary } from "@/lib/api"
import { words } from "@/lib/errors"
import { at } from "@/lib/format"
import { standing, toneOf } from "@/lib/job-state"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

/** All that one's address has posted, from whatever client. */
export function Deployments() {
  const { api } = useMarket()
  const { address } = useWallet()
  const found = useInfiniteQuery({
    queryKey: ["deployments", address],
    enabled: address !== undefined,
    refetchInterval: 3000,
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => {
      const cursor = pageParam && `&cursor=${encodeURIComponent(pageParam)}`
      return api.get<Page<Summary>>(`/v1/deployments?consumer=${address}&limit=50${cursor}`, signal)
    },
    getNextPageParam: (last) => last.next ?? undefined,
  })
  const items = found.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <div className="space-y-5">
      <h1 className="text-2xl font-bold">{t.deployments.title}</h1>
      {!address && <Notice>{t.deployments.needWallet}</Notice>}
      {found.error && <Notice tone="bad">{words(found.error)}</Notice>}
      {address && found.isPending && <p className="text-soft">{t.common.loading}</p>}
      {found.isSuccess && items.length === 0 && (
        <Notice>
          {t.deployments.empty} <Link href="/post">{t.deployments.first}</Link>
        </Notice>
      )}
      {items.length > 0 && <DeploymentList title={t.deployments.title} items={items} />}
      {found.hasNextPage && (
        <Button onClick={() => void found.fetchNextPage()} disabled={found.isFetchingNextPage}>
          {t.deployments.more}
        </Button>
      )}
    </div>
  )
}

export function DeploymentList({ title, items }: { title: string; items: Summary[] }) {
  const { columns } = t.deployments
  return (
    <div
      className="border-line bg-card overflow-x-auto rounded-lg border"
      tabIndex={0}
      role="region"
      aria-label={title}
    >
      <table className="w-full min-w-[48rem] text-sm">
        <thead>
          <tr className="border-line border-b text-left">
            {Object.values(columns).map((name) => (
              <th key={name} scope="col" className="px-3 py-2 font-semibold">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((job) => (
            <tr key={job.job_id} className="border-line border-b last:border-0">
              <td className="px-3 py-2">
                <Link href={`/deployments/${job.job_id}`} className="text-brand underline underline-offset-2">
                  {job.name || job.job_id.slice(0, 12)}
                </Link>
              </td>
              <td className="px-3 py-2">
                <Badge tone={toneOf(job)}>{standing(job)}</Badge>
              </td>
              <td className="px-3 py-2 tabular-nums">{tokens(job.earned)}</td>
              <td className="px-3 py-2 tabular-nums">{tokens(job.deposit)}</td>
              <td className="px-3 py-2">{job.provider ? <CopyText text={job.provider} /> : "–"}</td>
              <td className="px-3 py-2 whitespace-nowrap">{at(job.posted_at * 1000)}</td>
              <td className="text-soft max-w-80 truncate px-3 py-2" title={job.why}>
                {job.why}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

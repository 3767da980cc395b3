"use client"

import Link from "next/link"
import type { ReactNode } from "react"
import type { Address } from "viem"

import { Badge } from "@/components/ui/badge"
import { Button } from "@/components/ui/button"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useDeployments } from "@/hooks/use-deployments"
import { useWallet } from "@/hooks/use-wallet"
import type { Summary } from "@/lib/api"
import { words } from "@/lib/errors"
import { at } from "@/lib/format"
import { standing, toneOf } from "@/lib/job-state"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

/** All that one's address has posted. */
export function Deployments() {
  const { address } = useWallet()
  const empty = (
    <>
      {t.deployments.empty} <Link href="/post">{t.deployments.first}</Link>
    </>
  )
  return (
    <div className="space-y-5">
      <h1 className="text-2xl font-bold">{t.deployments.title}</h1>
      {!address && <Notice>{t.deployments.needWallet}</Notice>}
      {address && <DeploymentsOf side="consumer" address={address} title={t.deployments.title} empty={empty} />}
    </div>
  )
}

interface Props {
  side: "consumer" | "provider"
  address: Address
  title: string
  /** What is said where there are none. */
  empty: ReactNode
}

/** What an address has posted, or has run. */
export function DeploymentsOf({ side, address, title, empty }: Props) {
  const found = useDeployments(side, address)
  const items = found.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      {found.error && (
        <Notice tone="bad">
          {words(found.error)} {found.data && t.common.stale}
        </Notice>
      )}
      {found.isPending && <p className="text-soft">{t.common.loading}</p>}
      {found.isSuccess && items.length === 0 && <Notice>{empty}</Notice>}
      {items.length > 0 && <List title={title} items={items} />}
      {found.hasNextPage && (
        <Button onClick={() => void found.fetchNextPage()} disabled={found.isFetchingNextPage}>
          {t.deployments.more}
        </Button>
      )}
    </>
  )
}

function List({ title, items }: { title: string; items: Summary[] }) {
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
              <td className="px-3 py-2 tabular-nums" data-fact="deposit">
                {tokens(job.deposit)}
              </td>
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

"use client"

import { useQuery } from "@tanstack/react-query"
import dynamic from "next/dynamic"
import Link from "next/link"
import { useRouter } from "next/navigation"
import { useState } from "react"
import type { Hex } from "viem"

import { DropZone } from "@/components/post/drop-zone"
import { Estimate } from "@/components/post/estimate"
import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { Check } from "@/components/ui/check"
import { Notice } from "@/components/ui/notice"
import { Guard } from "@/components/wallet/guard"
import { useMarket } from "@/hooks/market"
import { useDraft } from "@/hooks/use-draft"
import { useHere } from "@/hooks/use-here"
import { usePostJob } from "@/hooks/use-post-job"
import { usePosted } from "@/hooks/use-posted"
import { useReceipt } from "@/hooks/use-receipt"
import type { Market } from "@/lib/api"
import type { Sent } from "@/lib/bundle/draft"
import { words } from "@/lib/errors"
import { kib } from "@/lib/format"
import { t } from "@/texts/en"

const ManifestForm = dynamic(() => import("@/components/post/manifest-form").then((found) => found.ManifestForm))
const FALLBACK_BYTES = 64 * 2 ** 20

export function PostJob() {
  const { api } = useMarket()
  const router = useRouter()
  const market = useQuery({ queryKey: ["market"], queryFn: () => api.get<Market>("/v1/market"), staleTime: 60_000 })
  const { draft, isRestored, begin, change, drop } = useDraft()
  const [watch, setWatch] = useState(false)
  const receipt = useReceipt(draft, watch)
  const { stage, busy, post } = usePostJob()
  const isPosted = usePosted(receipt.data?.job_id as Hex | undefined)
  const here = useHere()
  if (!draft) {
    return (
      <div className="space-y-5">
        <h1 className="text-2xl font-bold">{t.post.title}</h1>
        <DropZone maxBytes={market.data?.max_bundle_bytes ?? FALLBACK_BYTES} onFiles={begin} />
        <Notice>{t.post.secrets}</Notice>
      </div>
    )
  }
  const size = draft.files.reduce((sum, file) => sum + file.bytes.byteLength, 0)
  const checked = receipt.data
  const before = draft.sent ?? (isPosted && checked ? { jobId: checked.job_id } : null)
  const submit = async () => {
    if (!checked) return
    const told: Sent[] = []
    const isDone = await post(checked, draft.salt, (sent) => {
      told.push(sent)
      change({ sent }) // for who reloads before its block
    })
    const [sent] = told
    if (!isDone || !sent) return
    drop()
    if (here.current) router.push(pageOf(sent))
  }
  return (
    <div className="space-y-5">
      <h1 className="text-2xl font-bold">{t.post.title}</h1>
      {isRestored && <Notice>{t.post.restored}</Notice>}
      {before && !busy && (
        <Notice tone="warn">
          {t.post.sentBefore}{" "}
          <Link href={pageOf(before)} className="underline">
            {t.post.look}
          </Link>
        </Notice>
      )}
      <Card
        title={draft.name}
        actions={
          <Button onClick={drop} disabled={busy}>
            {t.post.another}
          </Button>
        }
      >
        <p className="text-soft text-sm">
          {t.post.files(draft.files.length, kib(Math.ceil(size / 1024)))}
          {draft.leftOut > 0 && `; ${t.post.left(draft.leftOut)}`}
        </p>
      </Card>
      <div className="grid gap-5 lg:grid-cols-[3fr_2fr]">
        <ManifestForm
          text={draft.manifest}
          read={checked?.manifest ?? null}
          fault={receipt.error ? words(receipt.error) : ""}
          checking={receipt.isFetching}
          onChange={(manifest) => change({ manifest })}
        />
        <Card title={t.post.estimate}>
          {checked ? (
            <Estimate receipt={checked} />
          ) : (
            <p className="text-soft text-sm">{receipt.error ? t.post.noEstimate : t.post.checking}</p>
          )}
          {checked && !receipt.error && (
            <div className="mt-4 space-y-3">
              <Check label={t.post.watch} on={watch} onChange={setWatch} />
              <Guard need={BigInt(checked.deposit)} why={t.post.needWallet}>
                <ol className="text-soft list-decimal pl-5 text-sm">
                  <li>{t.post.steps.permit}</li>
                  <li>{t.post.steps.post}</li>
                </ol>
                <Button
                  kind="main"
                  className="mt-3 w-full"
                  disabled={busy || receipt.isFetching || isPosted}
                  onClick={() => void submit()}
                >
                  {t.post.submit}
                </Button>
              </Guard>
              <TxStage stage={stage} />
            </div>
          )}
        </Card>
      </div>
    </div>
  )
}

function pageOf({ jobId, hash }: { jobId: string; hash?: string }): string {
  return `/deployments/${jobId}${hash ? `?tx=${hash}` : ""}`
}

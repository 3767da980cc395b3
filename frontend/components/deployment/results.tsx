"use client"

import { useMutation } from "@tanstack/react-query"

import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useMarket } from "@/hooks/market"
import type { Deployment } from "@/lib/api"
import { fetchContent, type ContentFile } from "@/lib/content/car"
import { words } from "@/lib/errors"
import { size } from "@/lib/format"
import { isOver } from "@/lib/job-state"
import { visible } from "@/lib/printable"
import { download } from "@/lib/download"
import { t } from "@/texts/en"

/** What the runs have left, fetched when it is asked for and checked here. */
export function Results({ deployment }: { deployment: Deployment }) {
  const runs = deployment.runs.filter((run) => run.result_cid)
  if (runs.length === 0) return <Notice>{isOver(deployment.state) ? t.results.none : t.results.notYet}</Notice>
  return (
    <div className="space-y-4">
      {runs.map((run) => (
        <Card
          key={run.attempt}
          title={t.deployment.run(run.attempt)}
          actions={<CopyText text={run.result_cid ?? ""} />}
        >
          <Content cid={run.result_cid ?? ""} />
        </Card>
      ))}
    </div>
  )
}

function Content({ cid }: { cid: string }) {
  const { api } = useMarket()
  const fetched = useMutation({ mutationFn: () => fetchContent(api, cid) })
  if (!fetched.data) {
    return (
      <div className="space-y-3">
        <Button kind="main" disabled={fetched.isPending} onClick={() => fetched.mutate()}>
          {fetched.isPending ? t.results.fetching : t.results.fetch}
        </Button>
        {fetched.error && <Notice tone="bad">{words(fetched.error)}</Notice>}
      </div>
    )
  }
  return <Files cid={cid} files={fetched.data} />
}

function Files({ cid, files }: { cid: string; files: ContentFile[] }) {
  const all = useMutation({
    mutationFn: async () => {
      const { zipOf } = await import("@/lib/content/zip")
      download(`${cid.slice(0, 16)}.zip`, [await zipOf(files)], "application/zip")
    },
  })
  const total = files.reduce((sum, file) => sum + file.bytes.byteLength, 0)
  return (
    <div className="space-y-3">
      <Notice tone="good">{t.results.checked}</Notice>
      {files.length === 0 && <p className="text-soft text-sm">{t.results.empty}</p>}
      <ul className="border-line divide-line max-h-96 divide-y overflow-y-auto rounded-md border" tabIndex={0}>
        {files.map((file) => {
          const name = visible(file.path) || t.results.single
          return (
            <li key={file.path} className="flex items-center justify-between gap-3 px-3 py-1.5 text-sm">
              <span className="min-w-0 font-mono break-all" data-file>
                {name}
              </span>
              <span className="flex shrink-0 items-center gap-3">
                <span className="text-soft tabular-nums">{size(file.bytes.byteLength)}</span>
                <Button
                  aria-label={`${t.common.download} ${name}`}
                  onClick={() =>
                    download(file.path.split("/").at(-1) || "result", [file.bytes], "application/octet-stream")
                  }
                >
                  {t.common.download}
                </Button>
              </span>
            </li>
          )
        })}
      </ul>
      {files.length > 0 && (
        <Button disabled={all.isPending} onClick={() => all.mutate()}>
          {t.results.all(files.length, size(total))}
        </Button>
      )}
      {all.error && <Notice tone="bad">{words(all.error)}</Notice>}
    </div>
  )
}

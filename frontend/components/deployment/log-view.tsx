"use client"

import { useDeferredValue, useState } from "react"

import { Lines } from "@/components/deployment/log-lines"
import { Button } from "@/components/ui/button"
import { Check } from "@/components/ui/check"
import { Field } from "@/components/ui/field"
import { StateOf } from "@/components/ui/state-of"
import { useLog, useLogSearch, type Extent } from "@/hooks/use-log"
import { download } from "@/lib/download"
import { t } from "@/texts/en"

/** The live log: searched, paused, downloaded. What a program printed is text here and nothing else. */
export function LogView({ jobId }: { jobId: string }) {
  const [held, setHeld] = useState<Extent | null>(null) // what is shown while it is paused
  const [follow, setFollow] = useState(true)
  const [times, setTimes] = useState(false)
  const [search, setSearch] = useState("")
  const wanted = useDeferredValue(search)
  const { log, extent: whole, link } = useLog(jobId)
  const extent = held ?? whole
  const matches = useLogSearch(log, extent, wanted)
  const count = matches ? matches.found.length : extent.end - extent.first
  const number = (index: number) => (matches ? matches.found[index] : extent.first + index)
  const save = () => download(`${jobId.slice(0, 12)}.log`, [...log.text()], "text/plain")
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-end gap-3">
        <Field
          className="min-w-48 grow"
          label={t.log.search}
          type="search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Button aria-pressed={held !== null} onClick={() => setHeld(held ? null : whole)}>
          {held ? t.log.resume(whole.end - held.end) : t.log.pause}
        </Button>
        <Button onClick={save} disabled={whole.end === 0}>
          {t.log.download}
        </Button>
      </div>
      <div className="text-soft flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
        <Check label={t.log.follow} on={follow} onChange={setFollow} />
        <Check label={t.log.times} on={times} onChange={setTimes} />
        <span role="status" data-fact="lines">
          {matches ? t.log.matches(count, matches.busy) : t.log.lines(extent.end)}
        </span>
        <StateOf link={link} />
      </div>
      {whole.first > 0 && <p className="text-soft text-sm">{t.log.dropped(whole.first)}</p>}
      <Lines
        log={log}
        label={t.log.label}
        empty={matches ? t.log.noMatch : t.log.empty}
        count={count}
        number={number}
        follow={follow}
        times={times}
        onLeave={() => setFollow(false)}
      />
    </div>
  )
}

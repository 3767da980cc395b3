"use client"

import { useState } from "react"

import { Lines } from "@/components/deployment/log-lines"
import { Check } from "@/components/ui/check"
import { StateOf } from "@/components/ui/state-of"
import { useBuildLog } from "@/hooks/use-build-log"
import { t } from "@/texts/en"

/** The build's own words. */
export function BuildView({ jobId }: { jobId: string }) {
  const { log, extent, link } = useBuildLog(jobId)
  const [follow, setFollow] = useState(true)
  return (
    <div className="space-y-3">
      <div className="text-soft flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
        <Check label={t.log.follow} on={follow} onChange={setFollow} />
        <span role="status">{t.log.lines(extent.end)}</span>
        <StateOf link={link} />
      </div>
      <Lines
        log={log}
        label={t.log.buildLabel}
        empty={link === "over" ? t.log.noBuild : t.log.buildEmpty}
        count={extent.end - extent.first}
        number={(index) => extent.first + index}
        follow={follow}
        onLeave={() => setFollow(false)}
      />
    </div>
  )
}

"use client"

import { Card } from "@/components/ui/card"
import { Check } from "@/components/ui/check"
import { CONTROL, Field } from "@/components/ui/field"
import type { Wanted } from "@/lib/offers"
import { t } from "@/texts/en"

interface Props {
  wanted: Wanted
  onChange: (next: Wanted) => void
}

export function Filters({ wanted, onChange }: Props) {
  const set = (changes: Partial<Wanted>) => onChange({ ...wanted, ...changes })
  const number = (text: string, most: number) => Math.min(most, Math.max(0, Number(text) || 0))
  return (
    <Card>
      <div className="grid grid-cols-2 gap-3 md:grid-cols-4 lg:grid-cols-7">
        <Field
          className="col-span-2"
          label={t.market.search}
          type="search"
          value={wanted.text}
          onChange={(event) => set({ text: event.target.value })}
        />
        <Field
          label={t.market.cpus}
          type="number"
          min={0}
          step={0.1}
          value={wanted.cpu_millis / 1000}
          onChange={(event) => set({ cpu_millis: Math.round(number(event.target.value, 1024) * 1000) })}
        />
        <Field
          label={t.market.memory}
          type="number"
          min={0}
          value={wanted.memory_mib}
          onChange={(event) => set({ memory_mib: Math.round(number(event.target.value, 2 ** 24)) })}
        />
        <Field
          label={t.market.egress}
          type="number"
          min={0}
          value={wanted.egress_kib_s}
          onChange={(event) => set({ egress_kib_s: Math.round(number(event.target.value, 10 * 2 ** 20)) })}
        />
        <Field
          label={t.market.hours}
          type="number"
          min={0}
          step={0.1}
          value={wanted.seconds / 3600}
          onChange={(event) => set({ seconds: Math.round(number(event.target.value, 8784) * 3600) })}
        />
        <label className="text-sm font-medium">
          <span className="mb-1 block">{t.market.runtime}</span>
          <select className={CONTROL} value={wanted.runtime} onChange={(event) => set({ runtime: event.target.value })}>
            <option value="">{t.common.all}</option>
            <option value="gvisor">gVisor</option>
            <option value="runc">runc</option>
          </select>
        </label>
      </div>
      <div className="mt-3 flex flex-wrap gap-x-6 gap-y-2 text-sm">
        <Check label={t.market.onlyFitting} on={wanted.onlyFitting} onChange={(onlyFitting) => set({ onlyFitting })} />
        <Check label={t.market.gpu} on={wanted.gpu} onChange={(gpu) => set({ gpu })} />
      </div>
    </Card>
  )
}

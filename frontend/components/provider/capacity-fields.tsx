import { Field } from "@/components/ui/field"
import { t } from "@/texts/en"

export interface Capacity {
  cores: string
  memoryMib: string
}

/** Capacity as cores and memory; the contract counts both in units. */
export function CapacityFields({ capacity, onChange }: { capacity: Capacity; onChange: (next: Capacity) => void }) {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Field
        label={t.provider.cores}
        inputMode="decimal"
        autoComplete="off"
        value={capacity.cores}
        onChange={(event) => onChange({ ...capacity, cores: event.target.value })}
      />
      <Field
        label={t.market.memory}
        inputMode="numeric"
        autoComplete="off"
        value={capacity.memoryMib}
        onChange={(event) => onChange({ ...capacity, memoryMib: event.target.value })}
      />
    </div>
  )
}

/** What a bond for so much comes to. */
export function BondOf({ units, bond }: { units: number | null; bond: string }) {
  return (
    <p className="text-sm" role="status">
      {units === null ? (
        <span className="text-bad">{t.provider.noCapacity}</span>
      ) : (
        <>
          {t.provider.unitsOf(units.toLocaleString("en-GB"))} <strong className="tabular-nums">{bond}</strong>
        </>
      )}
    </p>
  )
}

import { Field } from "@/components/ui/field"
import { faultyPrices, PRICE_NAMES, type PriceTexts } from "@/lib/provider"
import { t } from "@/texts/en"

/** What a provider asks for an hour of a core, of a GiB, of the machine, and for a GiB sent. */
export function PriceFields({ texts, onChange }: { texts: PriceTexts; onChange: (next: PriceTexts) => void }) {
  const faulty = faultyPrices(texts)
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      {PRICE_NAMES.map((name) => (
        <Field
          key={name}
          label={t.provider[name]}
          inputMode="decimal"
          autoComplete="off"
          value={texts[name]}
          fault={faulty.includes(name) ? t.provider.noPrice : undefined}
          onChange={(event) => onChange({ ...texts, [name]: event.target.value })}
        />
      ))}
    </div>
  )
}

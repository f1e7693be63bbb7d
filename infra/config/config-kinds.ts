import { z } from 'zod'

/** The kinds of environment variables: what they take, and the words that complete "expected …" in a refusal. */
export interface Variable<T> {
  readonly schema: z.ZodType<T>
  readonly expects: string
  readonly meaning: string
  readonly shownDefault: string
  readonly secret: boolean
}

/** How a value is read, and how a person is told what would be right. */
export interface Kind<T> {
  readonly schema: z.ZodType<T>
  readonly expects: string
  readonly shownDefault: string
}

export const unset = '(none)'

export const text = (fallback: string): Kind<string> => ({
  schema: z.string().default(fallback),
  expects: 'some text',
  shownDefault: fallback,
})

export const shortText = (fallback: string, max: number): Kind<string> => ({
  schema: z.string().max(max).default(fallback),
  expects: `at most ${max} characters`,
  shownDefault: fallback,
})

export const optionalText = (shownDefault = unset): Kind<string | undefined> => ({
  schema: z.string().optional(),
  expects: 'some text',
  shownDefault,
})

export const whole = (min: number, max: number, fallback: number): Kind<number> => ({
  schema: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(fallback),
  expects: `a whole number from ${min} to ${max}`,
  shownDefault: String(fallback),
})

export const dollars: Kind<number> = {
  schema: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/)
    .transform(Number)
    .default(0),
  expects: 'dollars per million tokens, such as 2.50',
  shownDefault: '0',
}

export const share = (fallback: number): Kind<number> => ({
  schema: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/)
    .transform(Number)
    .default(fallback),
  expects: 'a share from 0 to 1, such as 0.25',
  shownDefault: String(fallback),
})

export const flag = (fallback: boolean): Kind<boolean> => ({
  schema: z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] }).default(fallback),
  expects: 'true or false',
  shownDefault: String(fallback),
})

/** Undefined: nobody said so. */
export const yesNo = (shownDefault: string): Kind<boolean | undefined> => ({
  schema: z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] }).optional(),
  expects: 'true or false',
  shownDefault,
})

export const choice = <const T extends string>(options: readonly [T, ...T[]], fallback: NoInfer<T>): Kind<T> => ({
  schema: z.enum(options).default(fallback as never) as unknown as z.ZodType<T>,
  expects: `one of ${options.join(', ')}`,
  shownDefault: fallback,
})

export const list = (fallback: readonly string[] = []): Kind<readonly string[]> => ({
  schema: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .default([...fallback]),
  expects: 'names separated by commas',
  shownDefault: fallback.join(',') || unset,
})

export const url = (protocols: readonly string[], example: string, shownDefault = unset): Kind<string | undefined> => ({
  schema: z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))
    .optional(),
  expects: `an address such as ${example}`,
  shownDefault,
})

export const web = (example: string, shownDefault?: string) => url(['http:', 'https:'], example, shownDefault)

export const secretText = (minimum: number): Kind<string | undefined> => ({
  schema: z.string().min(minimum).optional(),
  expects: `at least ${minimum} characters`,
  shownDefault: unset,
})

export const known = <T>(kind: Kind<T>, meaning: string): Variable<T> => ({ ...kind, meaning, secret: false })
export const secret = <T>(kind: Kind<T>, meaning: string): Variable<T> => ({ ...kind, meaning, secret: true })

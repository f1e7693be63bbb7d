/** RFC 9457 as the gateway answers it (transports/gateway/problem.ts). */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly remedy: string
  readonly trace_id?: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

/** The gateway refused, and says why and what to do. */
export class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(`${problem.title}: ${problem.detail} ${problem.remedy}`)
    this.problem = problem
  }
}

/** Nobody answered: the service is down or the network is. Whether a request arrived is unknown. */
export class NoAnswerError extends Error {
  constructor() {
    super('The service does not answer.')
  }
}

/** Of an answer that is no problem document: a proxy's page, or half an answer. */
export function strangeAnswer(status: number): Problem {
  return {
    title: 'An answer that is not ours',
    status,
    detail: `HTTP ${status} without a problem document.`,
    code: 'STRANGE_ANSWER',
    remedy: 'Look whether a proxy stands between this page and the gateway.',
  }
}

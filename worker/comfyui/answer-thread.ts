// The thread that parse-answer.ts starts for one large answer. It posts what is read of it, or ends with an error.
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { type AnswerForm, answerForms, parseForm } from './answers.ts';

const { form, bytes } = z
  .object({
    form: z.custom<AnswerForm>((name) => typeof name === 'string' && Object.hasOwn(answerForms, name)),
    bytes: z.instanceof(Uint8Array),
  })
  .parse(workerData);
parentPort?.postMessage(parseForm(form, bytes));

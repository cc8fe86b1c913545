import * as z from 'zod';

const number = z.string().regex(/^\d+(\.\d+)?$/);

/**
 * KEDA's ScaledObject with a `prometheus` trigger, as far as it is used here and no further: kubernetes-validate has no
 * schema of it. From https://keda.sh/docs/latest/reference/scaledobject-spec and
 * https://keda.sh/docs/latest/scalers/prometheus.
 */
export const scaledObject = z.strictObject({
  apiVersion: z.literal('keda.sh/v1alpha1'),
  kind: z.literal('ScaledObject'),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({ name: z.string() }),
    pollingInterval: z.int().positive(),
    minReplicaCount: z.int().min(1),
    maxReplicaCount: z.int(),
    advanced: z.strictObject({
      horizontalPodAutoscalerConfig: z.strictObject({
        behavior: z.strictObject({
          scaleDown: z.strictObject({
            stabilizationWindowSeconds: z.int(),
            policies: z.array(
              z.strictObject({ type: z.enum(['Pods', 'Percent']), value: z.int(), periodSeconds: z.int() }),
            ),
          }),
        }),
      }),
    }),
    triggers: z.tuple([
      z.strictObject({
        type: z.literal('prometheus'),
        // All of its values are strings.
        metadata: z.strictObject({
          serverAddress: z.url(),
          query: z.string(),
          threshold: number,
          ignoreNullValues: z.literal('false'),
        }),
      }),
    ]),
  }),
});

import { GraphQLError } from 'graphql';
import { badInput, excerpt, GatewayError, type InputIssue } from '../../core/errors.ts';

/** BAD_USER_INPUT as the public sees it. */
export function inputError(issues: InputIssue[]): GraphQLError {
  const { message, details } = badInput(issues);
  return new GraphQLError(message, { extensions: { ...details } });
}

/** The GatewayError within an error of the executor, if that is what a resolver threw. */
function gatewayErrorIn(error: unknown): GatewayError | null {
  if (error instanceof GatewayError) return error;
  return error instanceof GraphQLError && error.originalError ? gatewayErrorIn(error.originalError) : null;
}

/** Whether graphql-js refused an argument while executing: then the error's node is not the field itself. */
function isArgumentError(error: GraphQLError): boolean {
  return error.originalError instanceof GraphQLError && error.nodes?.[0]?.kind !== 'Field';
}

/** Where in the document and in the answer an error belongs. */
function placeOf(error: unknown) {
  if (!(error instanceof GraphQLError)) return {};
  const { nodes = null, source = null, positions = null, path = null } = error;
  return { nodes, source, positions, path };
}

/** An error as the public sees it. `onUnexpected` is given everything that is not the caller's to know. */
export function publicError(error: unknown, onUnexpected: (error: unknown) => void): GraphQLError {
  const place = placeOf(error);
  const known = gatewayErrorIn(error);
  if (known) return new GraphQLError(known.message, { ...place, extensions: { ...known.details } });
  if (error instanceof GraphQLError) {
    if (isArgumentError(error)) {
      const message = excerpt(error.message);
      const issues: InputIssue[] = [{ path: [], message, code: 'invalid_type' }];
      return new GraphQLError(message, { ...place, extensions: { code: 'BAD_USER_INPUT', issues } });
    }
    // Made to be seen: by parsing, by validation, by the transport.
    if (!error.originalError) {
      const message = excerpt(error.message);
      return message === error.message ? error : new GraphQLError(message, { ...place, extensions: error.extensions });
    }
  }
  onUnexpected(error);
  return new GraphQLError('Unexpected error.', { ...place, extensions: { code: 'INTERNAL' } });
}

/** The public code of an error that has been made public, or is a client's. */
export function codeOf(error: unknown): string {
  const code = error instanceof GraphQLError ? error.extensions.code : undefined;
  return typeof code === 'string' ? code : 'INTERNAL';
}

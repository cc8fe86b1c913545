import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  specifiedRules,
  type ValidationContext,
  ValuesOfCorrectTypeRule,
  validate,
} from 'graphql';
import { excerpt } from '../../core/errors.ts';
import { conditionalRoots } from './conditional-roots.ts';
import { inputError } from './errors.ts';
import { inputIssues } from './input-issues.ts';

/**
 * Validates documents, a valid one only once: by its tree with locations, so that faults say where they are. The errors
 * of one that is not valid are made anew each time: their stacks hold the whole validation, 60 KB for the smallest
 * document. What is wrong with values that stand in the document itself is BAD_USER_INPUT, with the issues that the
 * same values would have as variables. Without `introspection` a document may ask for no part of the schema but
 * `__typename`, and faults hint at none.
 */
export function createValidation(
  schema: GraphQLSchema,
  introspection: boolean,
): (document: DocumentNode, located: () => DocumentNode) => readonly GraphQLError[] {
  const valid = new WeakSet<DocumentNode>();

  function findFaults(document: DocumentNode): readonly GraphQLError[] {
    const conditional = conditionalRoots(document);
    if (conditional.length) return conditional;
    const valueErrors = new Set<GraphQLError>();
    const valueRule = (context: ValidationContext) => {
      // A context of its own, by which its errors can be told from those of other rules.
      const ownContext: ValidationContext = Object.create(context, {
        reportError: {
          value: (error: GraphQLError) => {
            valueErrors.add(error);
            context.reportError(error);
          },
        },
      });
      return ValuesOfCorrectTypeRule(ownContext);
    };
    const rules = specifiedRules.map((rule) => (rule === ValuesOfCorrectTypeRule ? valueRule : rule));
    if (!introspection) rules.push(NoSchemaIntrospectionCustomRule);
    const errors = validate(schema, document, rules, { hideSuggestions: !introspection });
    const faults = errors
      .filter((error) => !valueErrors.has(error))
      .map(
        ({ message, nodes = null }) =>
          new GraphQLError(excerpt(message), { nodes, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
      );
    if (valueErrors.size === 0) return faults;
    const issues = inputIssues({ schema, document, variables: null, errors: [...valueErrors], hints: introspection });
    return [inputError(issues), ...faults];
  }

  return (document, located) => {
    if (valid.has(document)) return [];
    const faults = findFaults(located());
    if (faults.length === 0) valid.add(document);
    return faults;
  };
}

import type { Workflow } from '@comfygate/client';
import { useEffect, useMemo, useState } from 'react';
import { decodeRecipe, encodeRecipe, type Recipe, recipeAddress } from '../session/recipe.ts';
import { fitting, withoutDefaults } from './form-model.ts';

/** The address follows what is typed after a moment: browsers refuse it more than 100 times in half a minute. */
const ADDRESS_AFTER_MS = 400;

/** wouter tells of addresses that links lead to by the first, browsers of those that people give by the others. */
const ADDRESS_EVENTS = ['pushState', 'popstate', 'hashchange'];

const keyOf = (workflow: string) => `comfygate-recipe:${workflow}`;

/** What the address says, or else what was chosen last in this tab. */
function readRecipe(workflow: string): Recipe {
  return decodeRecipe(window.location.hash || (sessionStorage.getItem(keyOf(workflow)) ?? ''));
}

/**
 * What is chosen for a workflow. The address of the page says it, so that a link is a recipe; it is there again when
 * the page is loaded again or come back to.
 */
export function useRecipe({ name, parameters }: Workflow) {
  const [recipe, setRecipe] = useState(() => readRecipe(name));
  // The workflow may be another one than when this was chosen.
  const chosen = useMemo(() => fitting(parameters, recipe), [parameters, recipe]);

  useEffect(() => {
    sessionStorage.setItem(keyOf(name), encodeRecipe(recipe));
    const timer = setTimeout(
      () => window.history.replaceState(window.history.state, '', recipeAddress(name, recipe)),
      ADDRESS_AFTER_MS,
    );
    return () => clearTimeout(timer);
  }, [name, recipe]);

  useEffect(() => {
    const follow = () => {
      const { pathname, hash } = window.location;
      // A link to another workflow is told while the form of this one is still there.
      if (hash !== '' && pathname === recipeAddress(name, {})) setRecipe(decodeRecipe(hash));
    };
    for (const event of ADDRESS_EVENTS) window.addEventListener(event, follow);
    return () => {
      for (const event of ADDRESS_EVENTS) window.removeEventListener(event, follow);
    };
  }, [name]);

  return {
    chosen,
    /** Undefined: as the workflow has it. */
    choose: (parameter: string, value: unknown) => setRecipe((before) => ({ ...before, [parameter]: value })),
    /** To a list, which may have got others meanwhile. */
    add: (parameter: string, value: unknown) =>
      setRecipe(({ [parameter]: list, ...rest }) => ({
        ...rest,
        [parameter]: [...(Array.isArray(list) ? list : []), value],
      })),
    /** All of it at once, such as the parameters of a job. */
    use: (whole: Recipe) => setRecipe(withoutDefaults(parameters, whole)),
  };
}

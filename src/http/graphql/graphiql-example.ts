const generate = `# Press play (or Ctrl-Enter). Then open the next tab,
# Watch, and press play there.
#
# The same idempotencyKey gives the same job again:
# change it for another picture.
mutation Generate {
  generate(
    input: {
      idempotencyKey: "my-first-picture"
      workflow: {
        textToImage: {
          prompt: "a lighthouse at dusk, in oil"
          width: 512
          height: 512
          steps: 20
        }
      }
    }
  ) {
    replayed
    job {
      id
      status
      parameters
    }
  }
}
`;

const watch = `# Follows the job of the first tab to its end.
# For any other job, put its id into the variables.
#
# The addresses of its artifacts open in the browser.
subscription Watch($id: ID!) {
  jobProgress(id: $id) {
    seq
    type
    job {
      id
      status
      progress {
        fraction
        node {
          classType
          step
          totalSteps
        }
      }
      artifacts {
        filename
        url
        ... on ImageArtifact {
          width
          height
        }
      }
      error {
        code
        message
      }
    }
  }
}
`;

const list = `# The latest jobs and their results.
query LatestJobs {
  jobs(first: 5) {
    nodes {
      id
      status
      workflow
      createdAt
      artifacts {
        url
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const LAST_JOB = 'the job of the first tab';

export const exampleTabs = [
  { query: generate },
  { query: watch, variables: JSON.stringify({ id: LAST_JOB }, null, 2) },
  { query: list },
];

/**
 * Lets the second tab watch what the first has made without copying its id: notes the id of the last job that this page
 * generated, and puts it where a message over the socket says "the job of the first tab".
 */
export const lastJobScript = `
(() => {
  let lastJob;
  const pageFetch = window.fetch;
  window.fetch = async (...args) => {
    const response = await pageFetch(...args);
    if ((response.headers.get('content-type') ?? '').includes('json')) {
      response.clone().json().then((answer) => {
        lastJob = answer?.data?.generate?.job?.id ?? lastJob;
      }, () => {});
    }
    return response;
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    const placeholder = ${JSON.stringify(JSON.stringify(LAST_JOB))};
    const known = lastJob !== undefined && typeof message === 'string';
    return send.call(this, known ? message.replace(placeholder, JSON.stringify(lastJob)) : message);
  };
})();
`;

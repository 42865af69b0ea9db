// The Node client's part of the step: `node node_step.js download FOLDER` fetches every artifact of the run,
// `node node_step.js upload NAME FILE` puts one file back. `NODE_PATH` names where @actions/artifact 1.x is.
const path = require('node:path');
const artifact = require('@actions/artifact').create();

const [, , verb, first, second] = process.argv;
const work = verb === 'download'
  ? artifact.downloadAllArtifacts(first)
  : artifact.uploadArtifact(first, [second], path.dirname(second));
work.catch((error) => { console.error(error); process.exit(1); });

/*
 * The page in the place of one that is not there.
 */

import { byId } from '../lib/dom.js';
import { addTexts, startLanguages } from '../lib/i18n.js';
import * as texts from './texts.js';

addTexts(texts);
startLanguages(byId('language', HTMLSelectElement));

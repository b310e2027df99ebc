// The page of API keys: a new key is copied by a button.

import { bindCopying } from "./copying.js";

bindCopying();

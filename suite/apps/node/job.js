// A plain script that ends by an exception nobody catches.
'use strict';
require('./telemetry');
const pricing = require('./pricing');

setImmediate(() => pricing.findCustomer(7));

"""A script without a framework; an error that nobody catches ends it."""
import sys

import stories

stories.init(auto_enabling_integrations=False)
stories.STORIES[sys.argv[1]]()
stories.end(sys.argv[1])

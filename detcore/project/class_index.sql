-- Version 4: the boxes of a class, and the images that have one, are found and counted without a look at all boxes.
-- Kept short, as long_steps.sql is. Steps of the journal are packed by column (edit_blob.py) from here on.

CREATE INDEX box_class ON box (class_id, image_id);

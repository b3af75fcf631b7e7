#: The lessons with questions, in the order of the course.
LESSONS = (
    *("storage_pointers", "version_counter", "safe_relu", "leaf_mutation", "reading_the_error"),
    *("detector_fix", "slowfast_fix", "field_guide", "silent_gradients"),
)
